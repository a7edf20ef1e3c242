//! Page tokens: where a list goes on, valid only for the very list that it came from.
//!
//! A token is base64url of: version, list, the first bytes of a hash of the user and the filter, the last key shown.
//! It is no secret and grants nothing: every read names its user anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::status::Refusal;
use crate::ledger::{OperationId, OperationState, UserId};

const VERSION: u8 = 1;
const HEAD: usize = 2 + SCOPE;
const SCOPE: usize = 8;

/// The list that a page is of.
#[derive(Debug, Clone, Copy)]
pub enum List<'a> {
    /// Operations of a user in these states.
    Operations(&'a UserId, &'a [OperationState]),
    /// Entries of a user.
    Entries(&'a UserId),
}

impl List<'_> {
    fn head(&self) -> [u8; HEAD] {
        let (tag, user_id, states): (u8, _, &[_]) = match *self {
            Self::Operations(user_id, states) => (1, user_id, states),
            Self::Entries(user_id) => (2, user_id, &[]),
        };
        let mut hash = Sha256::new();
        hash.update(user_id.as_str());
        for state in states {
            hash.update([0, *state as u8]);
        }
        let mut head = [VERSION, tag, 0, 0, 0, 0, 0, 0, 0, 0];
        head[2..].copy_from_slice(&hash.finalize()[..SCOPE]);
        head
    }

    fn token(&self, key: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([self.head().as_slice(), key].concat())
    }

    fn key<const N: usize>(&self, token: &str) -> Result<Option<[u8; N]>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        let refused = || {
            let takes =
                "the next_page_token of the same list with the same user_id and states, or nothing";
            Refusal::field("page_token", takes)
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let key = bytes.strip_prefix(self.head().as_slice()).ok_or_else(refused)?;
        key.try_into().map(Some).map_err(|_| refused())
    }
}

/// The token that goes on after this operation.
pub fn after_operation(list: List<'_>, last: OperationId) -> String {
    list.token(last.0.as_bytes())
}

/// The operation after which a page starts; none for the first page.
pub fn operation(list: List<'_>, token: &str) -> Result<Option<OperationId>, Refusal> {
    Ok(list.key(token)?.map(|key| OperationId(Uuid::from_bytes(key))))
}

/// The token that goes on after this entry.
pub fn after_entry(list: List<'_>, last: i64) -> String {
    list.token(&last.to_be_bytes())
}

/// The sequence number after which a page starts; none for the first page.
pub fn entry(list: List<'_>, token: &str) -> Result<Option<i64>, Refusal> {
    Ok(list.key(token)?.map(i64::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_list_only() {
        let (ann, bob) = (UserId::parse("ann").unwrap(), UserId::parse("bob").unwrap());
        let charged = [OperationState::Charged];
        let list = List::Operations(&ann, &charged);
        let id = OperationId(Uuid::from_u128(7));
        let token = after_operation(list, id);
        assert_eq!(operation(list, &token).unwrap(), Some(id));
        assert_eq!(operation(list, "").unwrap(), None);

        let others = [
            List::Operations(&bob, &charged),
            List::Operations(&ann, &[]),
            List::Operations(&ann, &[OperationState::Completed]),
        ];
        for other in others {
            assert!(operation(other, &token).is_err(), "{other:?}");
        }
        assert!(entry(List::Entries(&ann), &token).is_err());
        for garbage in ["x", "not base64!", "AQ", &token[1..], &format!("{token}AA")] {
            assert!(operation(list, garbage).is_err(), "{garbage}");
        }
    }
}
