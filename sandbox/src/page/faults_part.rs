/// What is absent stays as it is; `null` makes a stand-in behave.
#[derive(Debug, Deserialize)]
pub(super) struct Faults {
    #[serde(default, deserialize_with = "present")]
    fal: Option<Option<fal::Failure>>,
    #[serde(default, deserialize_with = "present")]
    telegram: Option<Option<telegram::Failure>>,
    twice: Option<bool>,
}

fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

pub(super) async fn set_faults(State(stage): Shared, Json(wanted): Json<Faults>) -> Done {
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
    }
    Ok(Json(live::faults(&stage)).into_response())
}
