//! Why a call was refused, in types.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::CallError;
use crate::billing::v1::{ErrorReason, OperationState, PaymentState};

/// A rule of billing-svc that refused a call, with what a program needs to act on it. Amounts are decimals of the currency's
/// unit; currencies are ISO 4217.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The user has too little. The charge is kept as declined: the same `request_id` is refused again.
    InsufficientFunds {
        /// The price that money has to pay.
        required: Decimal,
        /// What the user could spend on it.
        available: Decimal,
        /// What would have to be topped up.
        missing: Decimal,
        /// Of all three.
        currency: String,
        /// The declined operation; `None` where it was no charge.
        operation_id: Option<String>,
    },
    /// The price is above the request's `max_price`.
    PriceChanged {
        /// What it is now.
        price: Decimal,
        /// Of the price.
        currency: String,
    },
    /// An administrator blocked the user.
    UserBlocked,
    /// A chargeback took more than the user had left: the next top-up repays first.
    InDebt,
    /// The same `request_id` came with other content before: a defect of the caller's.
    RequestIdReused {
        /// The first field that differs.
        field: String,
    },
    /// It was completed, refunded or declined already.
    OperationSettled {
        /// The operation; `None` where the server did not say.
        operation_id: Option<String>,
        /// `Completed`, `Refunded` or `Declined`.
        state: OperationState,
    },
    /// There is none, or it is not this caller's to see.
    OperationNotFound,
    /// There is none, or it is not this caller's to see.
    PaymentNotFound,
    /// The payment does not stand where this can be done.
    PaymentState {
        /// The payment.
        payment_id: String,
        /// Where it stands; `Unspecified`: where this client doesn't know of.
        state: PaymentState,
    },
    /// The price list has no such kind of operation.
    UnknownKind,
    /// A field is not as it has to be; [`CallError::message`] says what it takes.
    InvalidField {
        /// Its name.
        field: String,
    },
    /// A limit was met; nothing was decided, so the same request may be sent again.
    LimitExceeded(Limit),
    /// This deployment has no such way to pay.
    ProviderNotConfigured,
    /// The user has no such grant.
    GrantNotFound,
    /// There is no such code.
    PromoCodeNotFound,
    /// The code's time is over.
    PromoCodeExpired,
    /// As many users as can have redeemed the code.
    PromoCodeUsedUp,
    /// Another request made a code of this name.
    PromoCodeExists,
    /// Nobody is noted as the user's inviter.
    ReferralRefused {
        /// `UNKNOWN_CODE`, `SELF`, `LOOP`, `INVITED` or `CUSTOMER`.
        why: String,
    },
    /// The token is missing or unknown.
    Unauthenticated,
    /// The caller's role may not do this.
    Forbidden,
}

/// The limit that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// This program calls too often: no user is to blame.
    CallerRate,
    /// Too many charges and payments for this user within a second.
    UserRate,
    /// The user has as many operations under way as they may.
    OpenHolds {
        /// How many that is; `None` where the server did not say.
        max: Option<u32>,
    },
    /// The charge takes more than the user may still spend today. [`CallError::retry_after`] is how long today lasts; `None`: it
    /// is above the limit of a whole day.
    DailySpend {
        /// The limit of a day.
        max: Decimal,
        /// What is left of it.
        left: Decimal,
        /// Of both.
        currency: String,
    },
    /// One that a newer billing-svc knows.
    Other(String),
}

impl CallError {
    /// The rule that refused the call. `None`: no rule did (nobody answered, too much load, a defect), or it is one that this
    /// client does not know; [`CallError::is_retryable`] tells what may pass.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/billing.rs"));
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let live = Live::start(&[("BILLING_FREE_OPERATIONS", "0")]);
    /// # live.top_up("tg:42", 4).await;
    /// # let billing = proto::client::BillingClient::new(&live.config("gateway"))?;
    /// use proto::billing::v1::ChargeRequest;
    /// use proto::client::Refusal;
    /// use proto::money::shown_missing;
    ///
    /// let upscale = ChargeRequest {
    ///     request_id: "tg-7-1001".to_owned(),
    ///     user_id: "tg:42".to_owned(),
    ///     kind: "upscale".to_owned(),
    ///     ..Default::default()
    /// };
    /// let error = billing.charge(upscale).await.unwrap_err();
    /// let Some(Refusal::InsufficientFunds { missing, currency, .. }) = error.refusal() else {
    ///     return Err(error.into());
    /// };
    /// assert_eq!(shown_missing(missing, &currency, "en"), "2.00\u{a0}₽");
    /// # Ok(())
    /// # }
    /// ```
    pub fn refusal(&self) -> Option<Refusal> {
        let said = Said(&self.metadata);
        let reason = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", self.reason))?;
        Some(match reason {
            ErrorReason::InsufficientFunds => Refusal::InsufficientFunds {
                required: said.amount("required")?,
                available: said.amount("available")?,
                missing: said.amount("missing")?,
                currency: said.text("currency")?,
                operation_id: said.text("operation_id"),
            },
            ErrorReason::PriceChanged => Refusal::PriceChanged {
                price: said.amount("price")?,
                currency: said.text("currency")?,
            },
            ErrorReason::UserBlocked => Refusal::UserBlocked,
            ErrorReason::InDebt => Refusal::InDebt,
            ErrorReason::RequestIdReused => Refusal::RequestIdReused { field: said.field() },
            ErrorReason::OperationCompleted => said.settled(OperationState::Completed),
            ErrorReason::OperationRefunded => said.settled(OperationState::Refunded),
            ErrorReason::OperationDeclined => said.settled(OperationState::Declined),
            ErrorReason::OperationNotFound => Refusal::OperationNotFound,
            ErrorReason::PaymentNotFound => Refusal::PaymentNotFound,
            ErrorReason::PaymentState => Refusal::PaymentState {
                payment_id: said.text("payment_id")?,
                state: said
                    .text("state")
                    .and_then(|name| PaymentState::from_str_name(&format!("PAYMENT_STATE_{name}")))
                    .unwrap_or_default(),
            },
            ErrorReason::UnknownKind => Refusal::UnknownKind,
            ErrorReason::InvalidField => Refusal::InvalidField { field: said.field() },
            ErrorReason::LimitExceeded => Refusal::LimitExceeded(said.limit()?),
            ErrorReason::ProviderNotConfigured => Refusal::ProviderNotConfigured,
            ErrorReason::GrantNotFound => Refusal::GrantNotFound,
            ErrorReason::PromoCodeNotFound => Refusal::PromoCodeNotFound,
            ErrorReason::PromoCodeExpired => Refusal::PromoCodeExpired,
            ErrorReason::PromoCodeUsedUp => Refusal::PromoCodeUsedUp,
            ErrorReason::PromoCodeExists => Refusal::PromoCodeExists,
            ErrorReason::ReferralRefused => {
                Refusal::ReferralRefused { why: said.text("why").unwrap_or_default() }
            }
            ErrorReason::Unauthenticated => Refusal::Unauthenticated,
            ErrorReason::Forbidden => Refusal::Forbidden,
            ErrorReason::Unspecified
            | ErrorReason::Overloaded
            | ErrorReason::StoreUnavailable
            | ErrorReason::OutcomeUnknown
            | ErrorReason::ProviderUnavailable
            | ErrorReason::Internal => return None,
        })
    }
}

/// An error's metadata: what a stranger's server may have written in any way.
struct Said<'a>(&'a HashMap<String, String>);

impl Said<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn amount(&self, name: &str) -> Option<Decimal> {
        self.0.get(name)?.parse().ok()
    }

    fn field(&self) -> String {
        self.text("field").unwrap_or_default()
    }

    fn settled(&self, state: OperationState) -> Refusal {
        Refusal::OperationSettled { operation_id: self.text("operation_id"), state }
    }

    fn limit(&self) -> Option<Limit> {
        let name = self.text("limit")?;
        Some(match name.as_str() {
            "caller_rate" => Limit::CallerRate,
            "user_rate" => Limit::UserRate,
            "open_holds" => {
                Limit::OpenHolds { max: self.text("max").and_then(|max| max.parse().ok()) }
            }
            "daily_spend" => {
                match (self.amount("max"), self.amount("left"), self.text("currency")) {
                    (Some(max), Some(left), Some(currency)) => {
                        Limit::DailySpend { max, left, currency }
                    }
                    _ => Limit::Other(name),
                }
            }
            _ => Limit::Other(name),
        })
    }
}
