//! The page at `confirmation_url`, where the payer decides.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::World;
use super::payment::{Cancellation, Method, Status};
use crate::till::{self, Till};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    order_id: String,
}

pub(super) async fn page(
    Shared(world): Shared<Arc<World>>,
    Query(order): Query<Order>,
) -> Response {
    let payment = world.keep.state().payment(&order.order_id).cloned();
    let Ok(payment) = payment else {
        return till::absent();
    };
    let (says, buttons): (&str, &[(&str, &str)]) = match payment.status {
        Status::Pending => (
            "Выберите способ оплаты.",
            &[("bank_card", "Банковская карта"), ("sbp", "СБП"), ("cancel", "Отменить платёж")],
        ),
        Status::WaitingForCapture | Status::Succeeded => ("Платёж прошёл.", &[]),
        Status::Canceled => ("Платёж отменён.", &[]),
    };
    Till {
        shop: "Копилка",
        amount: till::money(payment.amount.kopecks, &payment.amount.currency),
        description: payment.description.as_deref().unwrap_or_default(),
        says,
        hidden: ("orderId", &payment.id),
        buttons,
        back: (payment.status != Status::Pending).then_some(&payment.return_url),
    }
    .page()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    BankCard,
    Sbp,
    Cancel,
}

#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    #[serde(rename = "orderId")]
    order_id: String,
    action: Action,
}

/// Does what was pressed, unless it was decided before, and sends the payer back to the shop.
pub(super) async fn decide(
    Shared(world): Shared<Arc<World>>,
    Form(decision): Form<Decision>,
) -> Response {
    let id = decision.order_id;
    let origin = &world.origin;
    let return_url = world.keep.change(|state| {
        let payment = state.payment(&id)?;
        let return_url = payment.return_url.clone();
        if payment.status == Status::Pending {
            match decision.action {
                Action::BankCard => state.pay(&id, Method::BankCard, None, origin)?,
                Action::Sbp => state.pay(&id, Method::Sbp, None, origin)?,
                Action::Cancel => state.cancel(&id, declined(), origin)?,
            }
        }
        anyhow::Ok(return_url)
    });
    match return_url {
        Ok(url) => Redirect::to(&url).into_response(),
        Err(_) => till::absent(),
    }
}

/// YooKassa has no word of its own for a payer who turns back; a payment that the payer's bank refuses ends so.
pub(super) fn declined() -> Cancellation {
    Cancellation::new("payment_network", "general_decline")
}
