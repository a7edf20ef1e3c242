//! The user's own referral code, made at the first asking, and what became of it.

use proto::billing::v1::{GetReferralRequest, GetReferralResponse};
use tonic::Request;

use crate::grpc::call::Call;
use crate::grpc::refusal::Refusal;
use crate::grpc::{Edge, from_wire};
use crate::ledger::{Command, Outcome, ReferralCode, UserId};

/// 32 of them, so that five random bits choose one fairly.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

pub async fn get_referral(
    edge: &Edge,
    request: Request<GetReferralRequest>,
) -> Result<GetReferralResponse, Refusal> {
    let (call, message) = Call::open(request)?;
    let user_id = from_wire::user_id(message.user_id)?;
    let code = match edge.store.referral_code(&user_id).await? {
        Some(code) => code,
        None => make(edge, &call, user_id.clone()).await?,
    };
    let (invited, rewarded) = edge.store.referral_counts(&user_id).await?;
    let rewards = edge.policy.referral;
    Ok(GetReferralResponse {
        code: code.to_string(),
        invited,
        rewarded,
        inviter_operations: rewards.inviter_operations,
        invitee_operations: rewards.invitee_operations,
    })
}

/// Another call may be faster: both answer the code that was kept.
async fn make(edge: &Edge, call: &Call, user_id: UserId) -> Result<ReferralCode, Refusal> {
    let random: [u8; 10] = rand::random();
    let text: String =
        random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let code = ReferralCode::parse(text)
        .map_err(|_| Refusal::Defect("the letters of referral codes are not what a code takes"))?;
    let command = Command::MakeReferralCode { user_id, code };
    let Outcome::ReferralCode { code } = edge.obey(command, call).await? else {
        return Err(Refusal::Defect("a referral code was answered by something else"));
    };
    Ok(code)
}
