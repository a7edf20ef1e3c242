//! Names of things, checked once where they enter.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// Why a text can't be an id; the text says what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub &'static str);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $rule:ident, $takes:literal) => {
        $(#[$doc])*
        ///
        /// Cheap to clone: a batch keeps it in many places.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a text.
            ///
            /// # Errors
            /// The text breaks the rule; the error says what it takes.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if $rule(&text) { Ok(Self(text.into())) } else { Err(InvalidId($takes)) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Whose money it is; Telegram users are `tg:<telegram id>`.
    UserId, is_user_id, "1 to 64 characters of [A-Za-z0-9:_.-]"
);
text_id!(
    /// The caller's own id of a write, the same in every retry.
    RequestId, is_request_id, "1 to 128 printable ASCII characters without spaces"
);
text_id!(
    /// What is charged for, e.g. `generate`.
    Kind, is_kind, "1 to 64 characters of [a-z0-9_]"
);

text_id!(
    /// The word of a promo code, in capitals.
    PromoCodeName, is_promo_code, "3 to 32 characters of [A-Z0-9_-]"
);
text_id!(
    /// What a user gives to those whom they invite.
    ReferralCode, is_referral_code, "10 characters of [a-z2-7]"
);

fn is_user_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'.' | b'-'))
}

fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_kind(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_promo_code(text: &str) -> bool {
    (3..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

fn is_referral_code(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// One operation; UUIDv7, so that ids rise with time.
    OperationId
);
uuid_id!(
    /// One grant.
    GrantId
);
uuid_id!(
    /// One payment; UUIDv7, so that ids rise with time.
    PaymentId
);
uuid_id!(
    /// One refund of a payment; likewise.
    RefundId
);

impl GrantId {
    /// The one sign-up grant that a user can ever have: derived from the user, so that it can't be given twice.
    pub fn signup(user: &UserId) -> Self {
        const SIGNUP: Uuid = Uuid::from_u128(0x6b6f_7069_6c6b_6100_8000_7369_676e_7570);
        Self(Uuid::new_v5(&SIGNUP, user.as_str().as_bytes()))
    }

    /// What an invited user gets for the first top-up; likewise.
    pub fn invited(invitee: &UserId) -> Self {
        const INVITED: Uuid = Uuid::from_u128(0x6b6f_7069_6c6b_6100_8000_696e_7669_7465);
        Self(Uuid::new_v5(&INVITED, invitee.as_str().as_bytes()))
    }

    /// What the one who invited this user gets for it; likewise.
    pub fn inviter(invitee: &UserId) -> Self {
        const INVITER: Uuid = Uuid::from_u128(0x6b6f_7069_6c6b_6100_8000_696e_7669_7472);
        Self(Uuid::new_v5(&INVITER, invitee.as_str().as_bytes()))
    }
}
