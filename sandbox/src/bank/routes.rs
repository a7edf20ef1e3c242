//! The bank over HTTP.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::state::{Call, State};
use super::{World, pages};
use crate::faults::When;
use crate::yookassa::amount::{Amount, kopecks};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/payments", get(list).post(create))
        .route("/payments/{id}", get(read))
        .route("/refunds", axum::routing::post(refund))
        .route("/pay/{id}", get(pages::show).post(pages::decide))
        .with_state(world)
}

/// Runs a call on the book, unless it is planned to fail.
async fn run(
    world: &World,
    call: Call,
    work: impl FnOnce(&mut State) -> Result<Value, Problem>,
) -> Response {
    let failure = world.keep.state().faults.meet(call);
    let refusal = |status: StatusCode| {
        let reason = status.canonical_reason().unwrap_or("error");
        Problem(status, reason.to_owned()).into_response()
    };
    if let Some(failure) = failure
        && failure.when() == When::Before
    {
        return failure.answer(refusal).await;
    }
    let result = world.keep.change(work);
    match (failure, result) {
        (Some(failure), _) => failure.answer(refusal).await,
        (None, Ok(object)) => Json(object).into_response(),
        (None, Err(problem)) => problem.into_response(),
    }
}

struct Problem(StatusCode, String);

impl Problem {
    fn bad(what: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, what.to_owned())
    }

    fn absent(error: &anyhow::Error) -> Self {
        Self(StatusCode::NOT_FOUND, error.to_string())
    }

    fn conflict(error: &anyhow::Error) -> Self {
        Self(StatusCode::CONFLICT, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

#[derive(Debug, Deserialize)]
struct NewPayment {
    payment_id: String,
    amount: String,
    currency: String,
    return_url: String,
}

async fn create(Shared(world): Shared<Arc<World>>, Json(new): Json<NewPayment>) -> Response {
    let work = |state: &mut State| {
        let kopecks = kopecks(&new.amount).filter(|kopecks| *kopecks > 0);
        let kopecks = kopecks.ok_or_else(|| Problem::bad("amount"))?;
        if new.payment_id.is_empty() {
            return Err(Problem::bad("payment_id"));
        }
        let amount = Amount { kopecks, currency: new.currency };
        let payment = state.create(&new.payment_id, amount, &new.return_url);
        let payment = payment.map_err(|error| Problem::conflict(&error))?;
        Ok(json!({"id": payment.id, "status": payment.status,
            "confirmation_url": payment.confirmation_url(&world.origin)}))
    };
    run(&world, Call::CreatePayment, work).await
}

async fn read(Shared(world): Shared<Arc<World>>, Path(id): Path<String>) -> Response {
    let work = |state: &mut State| {
        let payment = state.payment(&id).map_err(|error| Problem::absent(&error))?;
        Ok(payment.shown())
    };
    run(&world, Call::GetPayment, work).await
}

#[derive(Debug, Deserialize)]
struct Listed {
    after: Option<String>,
    limit: Option<usize>,
}

async fn list(Shared(world): Shared<Arc<World>>, Query(listed): Query<Listed>) -> Response {
    let work = |state: &mut State| {
        let after = listed.after.filter(|after| !after.is_empty());
        let cursor = after.map_or(Ok(0), |after| after.parse::<u64>());
        let cursor = cursor.map_err(|_| Problem::bad("after"))?;
        let limit = listed.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let (payments, cursor, more) = state.changed(cursor, limit);
        let payments: Vec<_> = payments.into_iter().map(super::state::Payment::shown).collect();
        Ok(json!({"payments": payments, "cursor": cursor.to_string(), "more": more}))
    };
    run(&world, Call::ListPayments, work).await
}

#[derive(Debug, Deserialize)]
struct NewRefund {
    refund_id: String,
    id: String,
    amount: String,
}

async fn refund(Shared(world): Shared<Arc<World>>, Json(new): Json<NewRefund>) -> Response {
    let work = |state: &mut State| {
        let payment = state.payment(&new.id).map_err(|error| Problem::absent(&error))?;
        let wanted = kopecks(&new.amount).ok_or_else(|| Problem::bad("amount"))?;
        let ours = |refund: &&super::state::Refund| {
            refund.refund_id.as_deref() == Some(new.refund_id.as_str())
        };
        let refund = match payment.refunds.iter().find(ours) {
            Some(refund) => refund.clone(),
            None => state
                .edit(&new.id, |payment| payment.refund(Some(&new.refund_id), wanted, false))
                .map_err(|error| Problem::conflict(&error))?,
        };
        Ok(json!({"id": refund.id, "state": refund.state}))
    };
    run(&world, Call::CreateRefund, work).await
}
