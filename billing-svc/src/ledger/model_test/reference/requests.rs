//! Requests of administrators: the first of an id is kept, and the same again is answered.

use super::Reference;
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

/// Fields that may differ, in order; none where the first request was another call.
pub(super) type Differs = Option<Vec<(&'static str, bool)>>;

impl Reference {
    /// The first request of this id, if the repeated one is the same.
    pub(super) fn asked_before(
        &self,
        by: &Administrator,
        about: Option<(&'static str, &UserId)>,
        differs: impl Fn(&AdminAction) -> Differs,
    ) -> Result<Option<AdminRequest>, Rejection> {
        let Some(first) = self.journal.requested_as(&by.request_id) else { return Ok(None) };
        let whose = about.map(|(_, user_id)| user_id.clone());
        let fields = differs(&first.action);
        let field = about.map_or("request_id", |(field, _)| field);
        reused(&[
            ("request_id", first.user_id.is_some() != whose.is_some()),
            (field, first.user_id != whose),
            ("request_id", fields.is_none()),
        ])?;
        reused(&fields.unwrap_or_default())?;
        reused(&[("reason", first.reason != by.reason)])?;
        Ok(Some(first))
    }

    pub(super) fn keep(
        &mut self,
        by: &Administrator,
        user_id: Option<&UserId>,
        action: AdminAction,
        now: Timestamp,
    ) {
        self.journal.0.push(Fact::Requested(AdminRequest {
            request_id: by.request_id.clone(),
            user_id: user_id.cloned(),
            action,
            reason: by.reason.clone(),
            caller: by.caller.clone(),
            create_time: now,
        }));
    }
}

/// The first field that differs.
fn reused(differs: &[(&'static str, bool)]) -> Result<(), Rejection> {
    let first = differs.iter().find(|(_, differs)| *differs);
    first.map_or(Ok(()), |(field, _)| Err(Rejection::RequestIdReused { field }))
}
