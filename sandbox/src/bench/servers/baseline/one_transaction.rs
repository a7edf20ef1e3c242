//! What a good engineer would write first: each charge is a transaction of its own, of five statements, over a pool.
//!
//! It is sound (the row is locked, a request is charged once, nobody goes below zero) and it does less than Kopilka: no
//! grants, no price versions, no replays with other content, no holds that end.

use anyhow::Context;
use proto::billing::v1::billing_service_server::BillingService;
use proto::billing::v1::{
    ChargeRequest, ChargeResponse, Operation, OperationState, Standing, UserInfo,
};
use proto::money;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{PgConnection, Row};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::schema::prepare;
use super::unasked::unasked;
use crate::system::CURRENCY;

/// Connections.
const POOL: u32 = 16;
/// `state` of a held charge.
const CHARGED: i16 = 1;

/// The service; answers Charge only.
#[derive(Debug, Clone)]
pub struct OneTransaction {
    pool: PgPool,
}

impl OneTransaction {
    /// Connects, and makes the tables where they are missing.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn connect(url: &SecretString) -> anyhow::Result<Self> {
        prepare(url, 0).await?;
        let pool = PgPoolOptions::new()
            .min_connections(POOL)
            .max_connections(POOL)
            // Its default asks the server once more before each call; without it this service is faster.
            .test_before_acquire(false)
            .connect(url.expose_secret())
            .await
            .context("the baseline's database")?;
        Ok(Self { pool })
    }

    async fn charged(&self, asked: &ChargeRequest) -> Result<ChargeResponse, Refusal> {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query("SELECT balance, version FROM users WHERE user_id = $1 FOR UPDATE")
            .bind(&asked.user_id)
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or(Refusal::Poor)?;
        let (balance, version): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let unit: i64 = sqlx::query_scalar("SELECT amount FROM prices WHERE kind = $1")
            .bind(&asked.kind)
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or(Refusal::UnknownKind)?;
        let price = unit * i64::from(asked.quantity.max(1));
        let operation_id = Uuid::now_v7();
        let inserted = sqlx::query(
            "INSERT INTO operations (operation_id, request_id, user_id, kind, price, state) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (request_id) DO NOTHING",
        )
        .bind(operation_id)
        .bind(&asked.request_id)
        .bind(&asked.user_id)
        .bind(&asked.kind)
        .bind(price)
        .bind(CHARGED)
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            let first = first(&mut transaction, &asked.request_id).await?;
            transaction.rollback().await?;
            return Ok(answer(asked, first, price, balance, version, true));
        }
        let after = balance.checked_sub(price).filter(|left| *left >= 0).ok_or(Refusal::Poor)?;
        sqlx::query(
            "INSERT INTO entries (user_id, version, operation_id, amount, balance_after) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&asked.user_id)
        .bind(version + 1)
        .bind(operation_id)
        .bind(-price)
        .bind(after)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE users SET balance = $2, version = $3 WHERE user_id = $1")
            .bind(&asked.user_id)
            .bind(after)
            .bind(version + 1)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(answer(asked, operation_id, price, after, version + 1, false))
    }
}

/// The operation that a request was charged as before.
async fn first(connection: &mut PgConnection, request_id: &str) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar("SELECT operation_id FROM operations WHERE request_id = $1")
        .bind(request_id)
        .fetch_one(connection)
        .await
}

fn answer(
    asked: &ChargeRequest,
    operation_id: Uuid,
    price: i64,
    balance: i64,
    version: i64,
    replayed: bool,
) -> ChargeResponse {
    let amount = |micros| Some(money::from_micros(micros, CURRENCY));
    let operation = Operation {
        operation_id: operation_id.to_string(),
        user_id: asked.user_id.clone(),
        request_id: asked.request_id.clone(),
        kind: asked.kind.clone(),
        quantity: asked.quantity.max(1),
        state: OperationState::Charged.into(),
        price: amount(price),
        ..Default::default()
    };
    let user = UserInfo {
        user_id: asked.user_id.clone(),
        balance: amount(balance),
        paid_balance: amount(balance),
        standing: Standing::Good.into(),
        version,
        ..Default::default()
    };
    ChargeResponse { operation: Some(operation), user: Some(user), replayed }
}

/// Why there is no charge. The transaction that was open is rolled back.
enum Refusal {
    Poor,
    UnknownKind,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Poor => Self::failed_precondition("not enough money"),
            Refusal::UnknownKind => Self::invalid_argument("no such kind"),
            Refusal::Database(error) => {
                eprintln!("kopilka-bench baseline: {error}");
                Self::unavailable("the database does not answer")
            }
        }
    }
}

/// Refuses callers without the token.
pub(super) fn bearer(
    token: Option<SecretString>,
) -> impl Fn(Request<()>) -> Result<Request<()>, Status> + Clone {
    let known = token.map(|token| Sha256::digest(token.expose_secret()));
    move |request| {
        let Some(known) = known else { return Ok(request) };
        let header = request.metadata().get("authorization");
        let sent = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Digests are compared: how long that takes tells nothing of the token.
        if sent.is_some_and(|sent| Sha256::digest(sent) == known) {
            return Ok(request);
        }
        Err(Status::unauthenticated("send the bearer token"))
    }
}

#[tonic::async_trait]
impl BillingService for OneTransaction {
    async fn charge(
        &self,
        request: Request<ChargeRequest>,
    ) -> Result<Response<ChargeResponse>, Status> {
        let answered = self.charged(request.get_ref()).await;
        Ok(Response::new(answered.map_err(Status::from)?))
    }

    unasked! {
        complete: CompleteRequest => CompleteResponse,
        refund: RefundRequest => RefundResponse,
        extend_hold: ExtendHoldRequest => ExtendHoldResponse,
        get_user_info: GetUserInfoRequest => GetUserInfoResponse,
        get_operation: GetOperationRequest => GetOperationResponse,
        list_operations: ListOperationsRequest => ListOperationsResponse,
        list_entries: ListEntriesRequest => ListEntriesResponse,
        quote: QuoteRequest => QuoteResponse,
        list_prices: ListPricesRequest => ListPricesResponse,
    }
}
