//! One caller: makes a call, waits for the answer, says what it was.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use proto::billing::v1::billing_service_client::BillingServiceClient;
use proto::billing::v1::{
    ChargeRequest, ChargeResponse, CompleteRequest, ErrorReason, GetUserInfoRequest,
    ListPricesRequest, RefundReason, RefundRequest,
};
use proto::client::CallError;
use proto::google::r#type::Money;
use rand::RngExt;
use rand::rngs::SmallRng;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use uuid::{Builder, fmt::Hyphenated};

use super::users::Users;
use super::{Call, DEADLINE, Plan, Target, connect};

/// How many charges each caller keeps to replay.
const KEPT: usize = 1024;
/// How much is kept of a message, in characters.
const MESSAGE: usize = 100;

/// How a call ended.
#[derive(Debug)]
pub(super) enum Answer {
    /// As expected.
    Done,
    /// Refused, as expected.
    Refused,
    /// A charge that will be replayed: it is not what is measured.
    Prepared,
    /// Otherwise: the code and the reason.
    Failed(String),
}

/// What all callers of a run have in common.
#[derive(Debug, Clone)]
pub(super) struct Script {
    call: Call,
    users: Users,
    kind: String,
    /// Nothing, in the server's currency: no price is that low.
    max_price: Option<Money>,
    authorization: Option<MetadataValue<Ascii>>,
    /// `grpc-timeout`: the server is told, and the channel keeps it.
    timeout: MetadataValue<Ascii>,
}

impl Script {
    /// Asks one of `channels` for the price list where the plan needs its currency.
    pub(super) async fn of(
        target: &Target,
        plan: &Plan,
        channel: &Channel,
    ) -> anyhow::Result<Self> {
        let mut script = Self {
            call: plan.call,
            users: Users::of(plan)?,
            kind: plan.kind.clone(),
            max_price: None,
            authorization: target.token.as_ref().map(connect::bearer).transpose()?,
            timeout: MetadataValue::try_from(format!("{}S", DEADLINE.as_secs()))?,
        };
        if plan.call == Call::Decline {
            script.max_price = Some(script.nothing(channel.clone()).await?);
        }
        Ok(script)
    }

    async fn nothing(&self, channel: Channel) -> anyhow::Result<Money> {
        let mut client = BillingServiceClient::new(channel);
        let answer = client.list_prices(self.request(ListPricesRequest {})).await;
        let prices = answer.map_err(CallError::from).context("ListPrices, for the currency")?;
        let prices = prices.into_inner().prices;
        let Some(price) = prices.iter().find(|price| price.kind == self.kind) else {
            let kinds: Vec<_> = prices.iter().map(|price| price.kind.as_str()).collect();
            bail!("the price list has no kind {:?}; it has {}", self.kind, kinds.join(", "));
        };
        let currency_code = price.price.as_ref().map(|money| money.currency_code.clone());
        Ok(Money { currency_code: currency_code.unwrap_or_default(), units: 0, nanos: 0 })
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        metadata.insert("grpc-timeout", self.timeout.clone());
        request
    }
}

/// Makes one call after another.
#[derive(Debug)]
pub(super) struct Caller {
    client: BillingServiceClient<Channel>,
    script: Script,
    rng: SmallRng,
    /// Charges that were answered in the warm-up.
    kept: Vec<ChargeRequest>,
}

impl Caller {
    pub(super) fn new(channel: Channel, script: Script) -> Self {
        let client = BillingServiceClient::new(channel);
        Self { client, script, rng: rand::make_rng(), kept: Vec::new() }
    }

    /// Makes the next call; `warming` as long as it is not measured.
    pub(super) async fn call(&mut self, warming: bool) -> Answer {
        let answer = match self.script.call {
            Call::Charge => self.charge().await.map(|_| Answer::Done),
            Call::ChargeComplete => self.charge_and_complete().await,
            Call::ChargeRefund => self.charge_and_refund().await,
            Call::GetUserInfo => self.get_user_info().await,
            Call::Replay if self.kept.is_empty() || (warming && self.kept.len() < KEPT) => {
                self.prepare().await
            }
            Call::Replay => self.replay().await,
            Call::Decline => self.decline().await,
        };
        answer.unwrap_or_else(|status| Answer::Failed(name(status)))
    }

    async fn charge(&mut self) -> Result<ChargeResponse, Status> {
        let message = self.new_charge();
        self.send(message).await
    }

    async fn charge_and_complete(&mut self) -> Result<Answer, Status> {
        let operation_id = id_of(self.charge().await?);
        let request = self.script.request(CompleteRequest { operation_id });
        self.client.complete(request).await?;
        Ok(Answer::Done)
    }

    async fn charge_and_refund(&mut self) -> Result<Answer, Status> {
        let message = RefundRequest {
            operation_id: id_of(self.charge().await?),
            reason: RefundReason::JobFailed.into(),
            ..Default::default()
        };
        self.client.refund(self.script.request(message)).await?;
        Ok(Answer::Done)
    }

    async fn get_user_info(&mut self) -> Result<Answer, Status> {
        let message = GetUserInfoRequest { user_id: self.script.users.draw(&mut self.rng) };
        self.client.get_user_info(self.script.request(message)).await?;
        Ok(Answer::Done)
    }

    async fn prepare(&mut self) -> Result<Answer, Status> {
        let message = self.new_charge();
        self.send(message.clone()).await?;
        self.kept.push(message);
        Ok(Answer::Prepared)
    }

    async fn replay(&mut self) -> Result<Answer, Status> {
        let message = self.kept[self.rng.random_range(0..self.kept.len())].clone();
        let answer = self.send(message).await?;
        if answer.replayed {
            Ok(Answer::Done)
        } else {
            Ok(Answer::Failed("OK, but charged again".to_owned()))
        }
    }

    async fn decline(&mut self) -> Result<Answer, Status> {
        let mut message = self.new_charge();
        message.max_price.clone_from(&self.script.max_price);
        let error = match self.send(message).await {
            Ok(_) => return Ok(Answer::Failed("OK, but not declined".to_owned())),
            Err(status) => CallError::from(status),
        };
        if error.reason == reason_name(ErrorReason::PriceChanged) {
            Ok(Answer::Refused)
        } else {
            Ok(Answer::Failed(words(&error)))
        }
    }

    async fn send(&mut self, message: ChargeRequest) -> Result<ChargeResponse, Status> {
        Ok(self.client.charge(self.script.request(message)).await?.into_inner())
    }

    fn new_charge(&mut self) -> ChargeRequest {
        ChargeRequest {
            request_id: self.request_id(),
            user_id: self.script.users.draw(&mut self.rng),
            kind: self.script.kind.clone(),
            quantity: 1,
            ..Default::default()
        }
    }

    /// A UUIDv7. Not `Uuid::now_v7`: all threads would share its counter, and each id would ask the system for randomness.
    fn request_id(&mut self) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // 64 bits of milliseconds are 585 million years.
        let id = Builder::from_unix_timestamp_millis(since.as_millis() as u64, &self.rng.random());
        let mut text = [0; Hyphenated::LENGTH];
        id.as_uuid().hyphenated().encode_lower(&mut text).to_owned()
    }
}

fn id_of(charged: ChargeResponse) -> String {
    charged.operation.map(|operation| operation.operation_id).unwrap_or_default()
}

fn name(status: Status) -> String {
    words(&CallError::from(status))
}

/// The code and the reason; where the server gave none, the message.
fn words(error: &CallError) -> String {
    let code = code_name(error.code);
    if error.reason.is_empty() {
        let message: String = error.message.chars().take(MESSAGE).collect();
        format!("{code} ({message})")
    } else {
        format!("{code} {}", error.reason)
    }
}

fn reason_name(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

/// As gRPC's own documents write it; tonic's `Display` is a sentence.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
