//! What `PaymentService` is asked, and what administrators ask about payments.

use proto::billing::v1;
use proto::google::r#type::Money;

use super::{filter, positive, uuid};
use crate::grpc::status::Refusal;
use crate::ledger::{Amount, PaymentId, PaymentState, Provider};

pub fn payment_id(text: &str) -> Result<PaymentId, Refusal> {
    uuid("payment_id", text, "the payment_id that CreatePayment answered, a UUID").map(PaymentId)
}

pub fn provider(number: i32) -> Result<Provider, Refusal> {
    match v1::PaymentProvider::try_from(number) {
        Ok(v1::PaymentProvider::Yookassa) => Ok(Provider::Yookassa),
        Ok(v1::PaymentProvider::TelegramStars) => Ok(Provider::TelegramStars),
        Ok(v1::PaymentProvider::Sandbox) => Ok(Provider::Sandbox),
        Ok(v1::PaymentProvider::Unspecified) | Err(_) => {
            Err(Refusal::field("provider", "a provider that ListPaymentMethods names"))
        }
    }
}

pub fn payment_states(numbers: &[i32]) -> Result<Vec<PaymentState>, Refusal> {
    filter(numbers, |number| match v1::PaymentState::try_from(number) {
        Ok(v1::PaymentState::Created) => Ok(PaymentState::Created),
        Ok(v1::PaymentState::Pending) => Ok(PaymentState::Pending),
        Ok(v1::PaymentState::Paid) => Ok(PaymentState::Paid),
        Ok(v1::PaymentState::Credited) => Ok(PaymentState::Credited),
        Ok(v1::PaymentState::Canceled) => Ok(PaymentState::Canceled),
        Ok(v1::PaymentState::Expired) => Ok(PaymentState::Expired),
        Ok(v1::PaymentState::Refunded) => Ok(PaymentState::Refunded),
        Ok(v1::PaymentState::Disputed) => Ok(PaymentState::Disputed),
        Ok(v1::PaymentState::Unspecified) | Err(_) => {
            Err(Refusal::field("states", "values of PaymentState, without UNSPECIFIED"))
        }
    })
}

/// How much of a payment an administrator speaks of; absent: all of it.
pub fn part(money: Option<&Money>, currency: &str) -> Result<Option<Amount>, Refusal> {
    money.map(|money| positive("amount", money, currency)).transpose()
}
