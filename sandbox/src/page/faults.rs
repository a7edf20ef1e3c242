//! How each stand-in misbehaves, and the switches for it.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Stage;
use super::actions::{Done, Shared};
use crate::{fal, telegram, yookassa};

/// Which stand-ins there are and how each misbehaves; `null` for one that is not there.
pub(super) fn shown(stage: &Stage) -> Value {
    let fal = stage.fal.as_ref().map(|fal| json!({"failure": fal.planned()}));
    let telegram = stage.telegram.as_ref().map(|telegram| {
        json!({"failure": telegram.planned(), "twice": telegram.delivers_twice(),
            "lose_payments": telegram.loses_payments()})
    });
    let yookassa = stage.yookassa.as_ref().map(
        |yookassa| json!({"failure": yookassa.planned(), "silent": yookassa.drops_notifications()}),
    );
    json!({"fal": fal, "telegram": telegram, "yookassa": yookassa})
}

/// What is absent stays as it is; `null` makes a stand-in behave.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default, deserialize_with = "present")]
    fal: Option<Option<fal::Failure>>,
    #[serde(default, deserialize_with = "present")]
    telegram: Option<Option<telegram::Failure>>,
    #[serde(default, deserialize_with = "present")]
    yookassa: Option<Option<yookassa::Failure>>,
    /// Telegram delivers every update twice.
    twice: Option<bool>,
    /// Telegram loses the updates that tell of payments in Stars.
    lose_payments: Option<bool>,
    /// YooKassa does not notify.
    silent: Option<bool>,
}

fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

pub(super) async fn set(State(stage): Shared, Json(wanted): Json<Wanted>) -> Done {
    if let (Some(failure), Some(fal)) = (wanted.fal, &stage.fal) {
        match failure {
            Some(failure) => fal.fail_next(failure, u32::MAX),
            None => fal.behave(),
        }
    }
    if let Some(telegram) = &stage.telegram {
        match wanted.telegram {
            Some(Some(failure)) => telegram.fail_next(failure, u32::MAX),
            Some(None) => telegram.stop_failing(),
            None => {}
        }
        if let Some(twice) = wanted.twice {
            telegram.deliver_twice(if twice { u32::MAX } else { 0 });
        }
        if let Some(lose) = wanted.lose_payments {
            telegram.lose_payments(if lose { u32::MAX } else { 0 });
        }
    }
    if let Some(yookassa) = &stage.yookassa {
        match wanted.yookassa {
            Some(Some(failure)) => yookassa.fail_next(failure, u32::MAX),
            Some(None) => yookassa.behave(),
            None => {}
        }
        if let Some(silent) = wanted.silent {
            yookassa.drop_notifications(silent);
        }
    }
    Ok(Json(shown(&stage)).into_response())
}
