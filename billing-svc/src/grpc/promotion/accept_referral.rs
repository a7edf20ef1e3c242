//! Notes who invited this user.

use proto::billing::v1::{AcceptReferralRequest, AcceptReferralResponse};
use tokio::time::Instant;
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire};
use crate::ledger::{Command, Outcome, ReferralRefusal, Rejection};

pub async fn accept_referral(
    edge: &Edge,
    request: Request<AcceptReferralRequest>,
) -> Result<AcceptReferralResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let user_id = from_wire::user_id(message.user_id)?;
    let code = from_wire::referral_code(message.code)?;

    edge.attempts.begin(&user_id, Instant::now())?;
    // The owner of a code never changes, so it may be read before.
    let inviter = match edge.store.user_of_referral_code(&code).await {
        Ok(Some(inviter)) => inviter,
        Ok(None) => {
            let why = ReferralRefusal::UnknownCode;
            return Err(Refusal::Rule(Rejection::ReferralRefused { why }));
        }
        Err(error) => {
            edge.attempts.forgive(&user_id);
            return Err(error.into());
        }
    };
    edge.attempts.forgive(&user_id);
    let command = Command::AcceptReferral { user_id, inviter };
    let Outcome::Referred { replayed } = edge.obey(command, &call).await? else {
        return Err(Refusal::Defect("an invitation was answered by something else"));
    };
    let invitee_operations = edge.policy.referral.invitee_operations;
    Ok(AcceptReferralResponse { invitee_operations, replayed })
}
