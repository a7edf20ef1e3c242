//! Page tokens: where a list goes on, valid only for the very list that it came from.
//!
//! A token is base64url of: version, list, the first bytes of a hash of the user and the filters, the last key shown.
//! It is no secret and grants nothing: every read names its user anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::refusal::Refusal;
use crate::ledger::{
    GrantId, OperationId, OperationState, PaymentId, PaymentState, PromoCodeName, Timestamp, UserId,
};
use crate::store::FindUsers;

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
    /// Payments of a user in these states.
    Payments(&'a UserId, &'a [PaymentState]),
    /// Operations, payments and refunds of a user.
    History(&'a UserId),
    /// Grants of a user.
    Grants(&'a UserId),
    /// Users that fit this.
    Users(&'a FindUsers),
    /// All promo codes.
    PromoCodes,
}

impl List<'_> {
    fn head(&self) -> [u8; HEAD] {
        let mut hash = Sha256::new();
        let tag = match *self {
            Self::Operations(user_id, states) => {
                hash.update(user_id.as_str());
                states.iter().for_each(|state| hash.update([0, *state as u8]));
                1
            }
            Self::Entries(user_id) => {
                hash.update(user_id.as_str());
                2
            }
            Self::Payments(user_id, states) => {
                hash.update(user_id.as_str());
                states.iter().for_each(|state| hash.update([0, *state as u8]));
                3
            }
            Self::History(user_id) => {
                hash.update(user_id.as_str());
                4
            }
            Self::Grants(user_id) => {
                hash.update(user_id.as_str());
                5
            }
            Self::Users(FindUsers { prefix, standings, reference }) => {
                // None of the parts holds a zero byte.
                hash.update(prefix);
                standings.iter().for_each(|standing| hash.update([0, *standing as u8]));
                hash.update([0, u8::MAX]);
                hash.update(reference.as_deref().unwrap_or_default());
                6
            }
            Self::PromoCodes => 7,
        };
        let mut head = [VERSION, tag, 0, 0, 0, 0, 0, 0, 0, 0];
        head[2..].copy_from_slice(&hash.finalize()[..SCOPE]);
        head
    }

    fn token(&self, key: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([self.head().as_slice(), key].concat())
    }

    /// The key in a token, as `read` understands it; none for the first page.
    fn key<K>(&self, token: &str, read: impl Fn(&[u8]) -> Option<K>) -> Result<Option<K>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok();
        let key = bytes.as_ref().and_then(|bytes| bytes.strip_prefix(self.head().as_slice()));
        key.and_then(read).map(Some).ok_or_else(|| {
            let takes = "the next_page_token of the same list with the same filters, or nothing";
            Refusal::field("page_token", takes)
        })
    }
}

/// Cuts the one row too many that was asked for, and answers the token of the next page; empty where this is the last.
pub fn next<T>(rows: &mut Vec<T>, size: u32, token: impl FnOnce(&T) -> String) -> String {
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    match rows.last() {
        Some(last) if more => token(last),
        Some(_) | None => String::new(),
    }
}

/// The token that goes on after this operation.
pub fn after_operation(list: List<'_>, last: OperationId) -> String {
    after_id(list, last.0)
}

/// The operation after which a page starts; none for the first page.
pub fn operation(list: List<'_>, token: &str) -> Result<Option<OperationId>, Refusal> {
    Ok(id(list, token)?.map(OperationId))
}

/// The token that goes on after this payment.
pub fn after_payment(list: List<'_>, last: PaymentId) -> String {
    after_id(list, last.0)
}

/// The payment after which a page starts; none for the first page.
pub fn payment(list: List<'_>, token: &str) -> Result<Option<PaymentId>, Refusal> {
    Ok(id(list, token)?.map(PaymentId))
}

/// The token that goes on after this id, whatever it is of.
pub fn after_id(list: List<'_>, last: Uuid) -> String {
    list.token(last.as_bytes())
}

/// The id after which a page starts; none for the first page.
pub fn id(list: List<'_>, token: &str) -> Result<Option<Uuid>, Refusal> {
    list.key(token, |key| Uuid::from_slice(key).ok())
}

/// The token that goes on after this entry.
pub fn after_entry(list: List<'_>, last: i64) -> String {
    list.token(&last.to_be_bytes())
}

/// The sequence number after which a page starts; none for the first page.
pub fn entry(list: List<'_>, token: &str) -> Result<Option<i64>, Refusal> {
    list.key(token, |key| key.try_into().ok().map(i64::from_be_bytes))
}

/// The token that goes on after the grant that was given then.
pub fn after_grant(list: List<'_>, given: Timestamp, last: GrantId) -> String {
    list.token(&[given.micros().to_be_bytes().as_slice(), last.0.as_bytes()].concat())
}

/// The grant after which a page starts; none for the first page.
pub fn grant(list: List<'_>, token: &str) -> Result<Option<(Timestamp, GrantId)>, Refusal> {
    list.key(token, |key| {
        let (given, id) = key.split_first_chunk()?;
        let id = Uuid::from_slice(id).ok()?;
        Some((Timestamp::from_micros(i64::from_be_bytes(*given)), GrantId(id)))
    })
}

/// The token that goes on after this user.
pub fn after_user(list: List<'_>, last: &UserId) -> String {
    list.token(last.as_str().as_bytes())
}

/// The user after whom a page starts; none for the first page.
pub fn user(list: List<'_>, token: &str) -> Result<Option<UserId>, Refusal> {
    list.key(token, |key| UserId::parse(std::str::from_utf8(key).ok()?).ok())
}

/// The token that goes on after the promo code that was made then.
pub fn after_promo_code(list: List<'_>, made: Timestamp, last: &PromoCodeName) -> String {
    list.token(&[made.micros().to_be_bytes().as_slice(), last.as_str().as_bytes()].concat())
}

/// The promo code after which a page starts; none for the first page.
pub fn promo_code(
    list: List<'_>,
    token: &str,
) -> Result<Option<(Timestamp, PromoCodeName)>, Refusal> {
    list.key(token, |key| {
        let (made, code) = key.split_first_chunk()?;
        let code = PromoCodeName::parse(std::str::from_utf8(code).ok()?).ok()?;
        Some((Timestamp::from_micros(i64::from_be_bytes(*made)), code))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Standing;

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
        assert!(super::id(List::History(&ann), &token).is_err());
        assert!(payment(List::Payments(&ann, &[]), &token).is_err());
        for garbage in ["x", "not base64!", "AQ", &token[1..], &format!("{token}AA")] {
            assert!(operation(list, garbage).is_err(), "{garbage}");
        }
    }

    #[test]
    fn each_kind_of_key_comes_back_as_it_was() {
        let ann = UserId::parse("ann").unwrap();
        let (time, code) = (Timestamp::from_micros(-7), PromoCodeName::parse("MAY-9").unwrap());
        let grants = List::Grants(&ann);
        let grant_id = GrantId(Uuid::from_u128(7));
        let token = after_grant(grants, time, grant_id);
        assert_eq!(grant(grants, &token).unwrap(), Some((time, grant_id)));
        let token = after_promo_code(List::PromoCodes, time, &code);
        assert_eq!(promo_code(List::PromoCodes, &token).unwrap(), Some((time, code)));
        let find = |prefix: &str, standings: &[Standing], reference: Option<&str>| FindUsers {
            prefix: prefix.to_owned(),
            standings: standings.to_vec(),
            reference: reference.map(str::to_owned),
        };
        let asked = find("a", &[Standing::Good], None);
        let token = after_user(List::Users(&asked), &ann);
        assert_eq!(user(List::Users(&asked), &token).unwrap(), Some(ann.clone()));
        let others = [
            find("", &[Standing::Good], None),
            find("a", &[], None),
            find("a", &[Standing::Good], Some("r")),
        ];
        for other in &others {
            assert!(user(List::Users(other), &token).is_err(), "{other:?}");
        }
    }
}
