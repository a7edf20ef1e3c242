//! The page at `confirmation_url`, where the payer decides.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::World;
use super::state::Status;
use crate::till::{self, Till};

pub(super) async fn show(Shared(world): Shared<Arc<World>>, Path(id): Path<String>) -> Response {
    let payment = world.keep.state().payment(&id).cloned();
    let Ok(payment) = payment else {
        return till::absent();
    };
    let (says, buttons): (&str, &[(&str, &str)]) = match payment.status {
        Status::Pending => {
            ("Подтвердите платёж.", &[("pay", "Оплатить"), ("cancel", "Отменить платёж")])
        }
        Status::Paid => ("Платёж прошёл.", &[]),
        Status::Canceled => ("Платёж отменён.", &[]),
    };
    Till {
        shop: "Копилка",
        amount: till::money(payment.amount.kopecks, &payment.amount.currency),
        description: "Банк песочницы",
        says,
        hidden: ("id", &payment.id),
        buttons,
        back: (payment.status != Status::Pending).then_some(&payment.return_url),
    }
    .page()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Pay,
    Cancel,
}

#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    action: Action,
}

/// Does what was pressed, unless it was decided before, and sends the payer back to the shop.
pub(super) async fn decide(
    Shared(world): Shared<Arc<World>>,
    Path(id): Path<String>,
    Form(decision): Form<Decision>,
) -> Response {
    let return_url = world.keep.change(|state| {
        let payment = state.payment(&id)?;
        let return_url = payment.return_url.clone();
        if payment.status == Status::Pending {
            let status = match decision.action {
                Action::Pay => Status::Paid,
                Action::Cancel => Status::Canceled,
            };
            state.edit(&id, |payment| {
                payment.status = status;
                Ok(())
            })?;
        }
        anyhow::Ok(return_url)
    });
    match return_url {
        Ok(url) => Redirect::to(&url).into_response(),
        Err(_) => till::absent(),
    }
}
