//! What is done to a payment from the panel, and to a chat's invoice.

use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use proto::billing::v1::{
    CreatePromoCodeRequest, CreditPaymentRequest, DisputeOutcome, GetPaymentRequest, Payment,
    PromoCode, RecordDisputeRequest, RefundPaymentRequest, promo_code::Credits,
};
use proto::google::r#type::Money;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Stage;
use super::actions::{Done, Problem, Shared};
use super::payments::{Act, applies};
use crate::yookassa::YookassaStandIn;
use crate::yookassa::amount::kopecks;

const REASON: &str = "asked for in the sandbox";
const CAMPAIGN: &str = "sandbox";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    /// A decimal; absent is all.
    amount: Option<String>,
}

/// Does an act, and answers the HTTP statuses that notifications sent by hand met.
pub(super) async fn act(
    State(stage): Shared,
    Path((payment_id, act)): Path<(String, Act)>,
    Json(wanted): Json<Wanted>,
) -> Done {
    let request = GetPaymentRequest { payment_id };
    let found = stage.operator.payments.get_payment(request).await?;
    let payment = found.payment.unwrap_or_default();
    if !applies(&stage, &payment, act) {
        return Err(Problem::conflict("NOT_NOW"));
    }
    let amount = wanted.amount.as_deref();
    let statuses = match act {
        Act::Pay
        | Act::PayOther
        | Act::Cancel
        | Act::PayLate
        | Act::Notify
        | Act::NotifyTwice
        | Act::Forge
        | Act::CabinetRefund => {
            let yookassa = stage.yookassa.as_deref();
            let yookassa = yookassa.ok_or_else(|| Problem::conflict("NOT_NOW"))?;
            let done = at_yookassa(yookassa, &payment, act, amount).await;
            done.map_err(|_| Problem::conflict("NOT_NOW"))?
        }
        Act::Dispute => record(&stage, payment, DisputeOutcome::Opened).await?,
        Act::DisputeWon => record(&stage, payment, DisputeOutcome::Won).await?,
        Act::DisputeLost => {
            let id = payment.provider_payment_id.clone();
            let said = record(&stage, payment, DisputeOutcome::Lost).await?;
            // The money leaves the provider as well.
            if let Some(yookassa) = &stage.yookassa {
                yookassa.dispute(&id).map_err(|_| Problem::conflict("NOT_NOW"))?;
            }
            said
        }
        Act::Refund => refund(&stage, payment, amount).await?,
        Act::Credit => credit(&stage, payment).await?,
    };
    Ok(Json(json!({ "statuses": statuses })).into_response())
}

async fn at_yookassa(
    yookassa: &YookassaStandIn,
    payment: &Payment,
    act: Act,
    amount: Option<&str>,
) -> anyhow::Result<Vec<u16>> {
    let id = &payment.provider_payment_id;
    match act {
        Act::Pay => yookassa.pay(id)?,
        Act::PayOther => yookassa.pay_other(id, amount.context("no amount")?, "RUB")?,
        Act::Cancel => yookassa.cancel(id)?,
        Act::PayLate => yookassa.pay_late(id)?,
        Act::Notify => yookassa.notify_again(id)?,
        Act::NotifyTwice => return yookassa.notify_in_parallel(id, 2).await,
        Act::Forge => {
            let lie = lie(yookassa.payment(id).context("no such payment")?);
            return Ok(vec![yookassa.forge(lie.to_string()).await?]);
        }
        Act::CabinetRefund => drop(yookassa.refund(id, amount)?),
        Act::Dispute | Act::DisputeWon | Act::DisputeLost | Act::Refund | Act::Credit => {
            anyhow::bail!("not YooKassa's to do")
        }
    }
    Ok(Vec::new())
}

/// What YooKassa would say if the payment were paid.
fn lie(mut payment: Value) -> Value {
    payment["status"] = json!("succeeded");
    payment["paid"] = json!(true);
    json!({"type": "notification", "event": "payment.succeeded", "object": payment})
}

async fn record(
    stage: &Stage,
    payment: Payment,
    outcome: DisputeOutcome,
) -> Result<Vec<u16>, Problem> {
    let request = RecordDisputeRequest {
        request_id: request_id(),
        payment_id: payment.payment_id,
        outcome: outcome.into(),
        amount: None,
        reason: REASON.to_owned(),
    };
    stage.operator.admin.record_dispute(request).await?;
    Ok(Vec::new())
}

async fn refund(
    stage: &Stage,
    payment: Payment,
    amount: Option<&str>,
) -> Result<Vec<u16>, Problem> {
    let currency = payment.amount.map(|amount| amount.currency_code).unwrap_or_default();
    let amount = amount.map(|amount| money(amount, &currency)).transpose()?;
    let request = RefundPaymentRequest {
        request_id: request_id(),
        payment_id: payment.payment_id,
        amount,
        reason: REASON.to_owned(),
    };
    stage.operator.admin.refund_payment(request).await?;
    Ok(Vec::new())
}

async fn credit(stage: &Stage, payment: Payment) -> Result<Vec<u16>, Problem> {
    let request = CreditPaymentRequest {
        request_id: request_id(),
        payment_id: payment.payment_id,
        amount: None,
        reason: REASON.to_owned(),
    };
    stage.operator.admin.credit_payment(request).await?;
    Ok(Vec::new())
}

#[derive(Debug, Deserialize)]
pub(super) struct NewPromoCode {
    code: String,
    /// Free operations that each user gets, or…
    operations: Option<i64>,
    /// …money, a decimal.
    amount: Option<String>,
    /// How many users can use it.
    uses: i64,
}

pub(super) async fn add_promo_code(State(stage): Shared, Json(new): Json<NewPromoCode>) -> Done {
    let credits = match (new.operations, new.amount) {
        (Some(operations), None) => Credits::Operations(operations),
        (None, Some(amount)) => Credits::Amount(money(&amount, crate::system::CURRENCY)?),
        (Some(_), Some(_)) | (None, None) => return Err(Problem::bad("BAD_AMOUNT")),
    };
    let promo_code = PromoCode {
        code: new.code.trim().to_uppercase(),
        campaign: CAMPAIGN.to_owned(),
        credits: Some(credits),
        max_redemptions: new.uses,
        ..Default::default()
    };
    let request = CreatePromoCodeRequest {
        request_id: request_id(),
        promo_code: Some(promo_code),
        reason: REASON.to_owned(),
    };
    let made = stage.operator.admin.create_promo_code(request).await?;
    let code = made.promo_code.unwrap_or_default().code;
    Ok(Json(json!({ "code": code })).into_response())
}

fn request_id() -> String {
    format!("sandbox-{}", Uuid::now_v7())
}

fn money(decimal: &str, currency: &str) -> Result<Money, Problem> {
    let kopecks = kopecks(decimal).filter(|kopecks| *kopecks > 0);
    let kopecks = kopecks.ok_or_else(|| Problem::bad("BAD_AMOUNT"))?;
    Ok(proto::money::from_micros(kopecks * 10_000, currency))
}
