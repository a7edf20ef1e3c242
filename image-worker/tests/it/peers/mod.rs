//! Billing and the gateway, as far as a worker meets them: small servers of the real contracts that keep the real rules of
//! settling and delivering, note what reached them, and can be away. The whole-system tests use the real ones.

mod billing;
mod gateway;

pub use billing::{Billing, Money};
pub use gateway::{Gateway, Sent};

use service_kit::grpc::Refusal;
use tonic::{Code, Status};

fn refuse(code: Code, reason: &str) -> Status {
    Refusal::new(code, "billing.kopilka", reason, reason).into_status()
}
