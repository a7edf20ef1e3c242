//! What administrators do.

use super::{Answer, Reference};
use crate::ledger::model_test::journal::Fact;
use crate::ledger::*;

impl Reference {
    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    pub(super) fn adjust(
        &mut self,
        user_id: &UserId,
        request_id: &RequestId,
        action: AdminAction,
        amount: Amount,
        reason: &str,
        caller: &str,
        now: Timestamp,
    ) -> Answer {
        if let Some(first) = self.journal.requested_as(request_id) {
            let differs = [
                ("user_id", first.user_id != *user_id),
                ("request_id", matches!(first.action, AdminAction::GrantCredits { .. })),
                ("amount", first.action != action),
                ("reason", first.reason != reason),
            ];
            reused(&differs)?;
            return Ok(Outcome::Adjusted { user: self.view(user_id, now), replayed: true });
        }
        let available = Amount::from_micros(self.journal.paid(user_id));
        if (available + amount).is_negative() && amount.is_negative() {
            return Err(Rejection::InsufficientFunds {
                required: -amount,
                available,
                missing: -amount - available,
                operation_id: None,
            });
        }
        self.room_for(user_id, amount)?;
        self.write(user_id, now);
        self.keep(request_id, user_id, action, reason, caller, now);
        Ok(Outcome::Adjusted { user: self.view(user_id, now), replayed: false })
    }

    pub(super) fn grant(&mut self, command: &GrantCredits, now: Timestamp) -> Answer {
        let GrantCredits { user_id, request_id, credits, kind, priority, expire_time, .. } =
            command;
        if let Some(first) = self.journal.requested_as(request_id) {
            let asked = match &first.action {
                AdminAction::GrantCredits { grant_id, .. } => self.journal.grant(*grant_id),
                AdminAction::AdjustBalance(_) => None,
            };
            let Some(grant) = asked.clone() else {
                reused(&[("user_id", first.user_id != *user_id), ("request_id", true)])?;
                unreachable!("reused above");
            };
            let AdminAction::GrantCredits { expire_time: end, .. } = first.action else {
                unreachable!("it gave a grant");
            };
            let of = if credits.unit == Unit::Money { "amount" } else { "operations" };
            reused(&[
                ("user_id", first.user_id != *user_id),
                (of, (grant.unit, grant.given) != (credits.unit, credits.amount)),
                ("kind", grant.kind != *kind),
                ("priority", grant.priority != *priority),
                ("expire_time", end != *expire_time),
                ("reason", first.reason != command.reason),
            ])?;
            return Ok(Outcome::Granted { grant, user: self.view(user_id, now), replayed: true });
        }
        if expire_time.is_some_and(|end| end <= now) {
            return Err(Rejection::InvalidField { field: "expire_time", takes: "" });
        }
        if credits.unit == Unit::Money {
            self.room_for(user_id, Amount::from_micros(credits.amount))?;
        }
        self.write(user_id, now);
        let grant = Grant {
            grant_id: command.grant_id,
            user_id: user_id.clone(),
            kind: *kind,
            unit: credits.unit,
            given: credits.amount,
            remaining: credits.amount,
            priority: *priority,
            create_time: now,
            expire_time: *expire_time,
        };
        self.journal.0.push(Fact::Given(grant.clone()));
        let action = AdminAction::GrantCredits {
            grant_id: command.grant_id,
            credits: *credits,
            kind: *kind,
            priority: *priority,
            expire_time: *expire_time,
        };
        self.keep(request_id, user_id, action, &command.reason, &command.caller, now);
        Ok(Outcome::Granted { grant, user: self.view(user_id, now), replayed: false })
    }

    fn keep(
        &mut self,
        request_id: &RequestId,
        user_id: &UserId,
        action: AdminAction,
        reason: &str,
        caller: &str,
        now: Timestamp,
    ) {
        self.journal.0.push(Fact::Requested(AdminRequest {
            request_id: request_id.clone(),
            user_id: user_id.clone(),
            action,
            reason: reason.into(),
            caller: caller.into(),
            create_time: now,
        }));
    }

    /// All money of a user, with this much more, stays within the cap.
    pub(super) fn room_for(&self, user_id: &UserId, more: Amount) -> Result<(), Rejection> {
        let grants = self.journal.grants().into_iter();
        let promotional: i64 = grants
            .filter(|grant| grant.user_id == *user_id && grant.unit == Unit::Money)
            .map(|grant| grant.remaining)
            .sum();
        let own = self.journal.paid(user_id) + self.journal.held(user_id).micros();
        if own + promotional + more.micros() > MAX_BALANCE.micros() {
            return Err(Rejection::InvalidField { field: "amount", takes: "" });
        }
        Ok(())
    }
}

/// The first field that differs.
fn reused(differs: &[(&'static str, bool)]) -> Result<(), Rejection> {
    let first = differs.iter().find(|(_, differs)| *differs);
    first.map_or(Ok(()), |(field, _)| Err(Rejection::RequestIdReused { field }))
}
