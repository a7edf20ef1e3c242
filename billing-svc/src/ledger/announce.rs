//! Telling a user, once, that a grant will end.

use super::draft::Draft;
use super::{EventBody, GrantId, Outcome, Rejection, UserId};

pub(super) fn expiry(
    draft: &mut Draft,
    user_id: &UserId,
    grant_id: GrantId,
) -> Result<Outcome, Rejection> {
    let now = draft.now();
    let ends = draft.find_grant(user_id, grant_id).filter(|grant| {
        grant.expire_time.is_some() && grant.is_live(now) && grant.remaining > 0 && !grant.announced
    });
    let Some(grant) = ends.cloned() else { return Ok(Outcome::Swept { changed: false }) };
    draft.write_user(user_id);
    draft.announce_grant(user_id, grant_id);
    draft.tell(user_id, EventBody::GrantExpiring { grant });
    Ok(Outcome::Swept { changed: true })
}
