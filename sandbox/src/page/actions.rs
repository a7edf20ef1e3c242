//! What a person at the page can do.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use proto::client::CallError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Stage, faults, money};
use crate::telegram::{NotPaid, TelegramStandIn, TelegramUser};

pub(super) type Shared = State<Arc<Stage>>;
pub(super) type Done = Result<Response, Problem>;

/// Why it was not done: a word that the page knows, with a status.
#[derive(Debug)]
pub(super) struct Problem(StatusCode, String);

impl Problem {
    pub(super) fn bad(word: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, word.to_owned())
    }

    pub(super) fn conflict(word: &str) -> Self {
        Self(StatusCode::CONFLICT, word.to_owned())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        Self(StatusCode::BAD_GATEWAY, money::reason(&error))
    }
}

pub(super) fn done() -> Done {
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn stand_in(stage: &Stage) -> Result<&TelegramStandIn, Problem> {
    stage.telegram.as_deref().ok_or_else(|| Problem::conflict("REAL_TELEGRAM"))
}

pub(super) fn person(stage: &Stage, id: i64) -> Result<TelegramUser, Problem> {
    Ok(stand_in(stage)?.user(id))
}

/// Everyone who can chat, and whether the chat is a stand-in at all.
pub(super) async fn users(State(stage): Shared) -> Json<Value> {
    let users = stage.telegram.as_ref().map(|telegram| telegram.users());
    Json(json!({"users": users, "faults": faults::shown(&stage)}))
}

#[derive(Debug, Deserialize)]
pub(super) struct NewUser {
    name: String,
    language: String,
}

/// Real ids exceed 32 bits, so these do too.
const FIRST_ID: i64 = 5_000_000_001;

pub(super) async fn add_user(State(stage): Shared, Json(new): Json<NewUser>) -> Done {
    let name = new.name.trim();
    if name.is_empty()
        || name.chars().count() > 64
        || !["ru", "en"].contains(&new.language.as_str())
    {
        return Err(Problem::bad("BAD_NAME"));
    }
    let telegram = stand_in(&stage)?;
    let known = telegram.users();
    let highest = known.iter().filter_map(|user| user["id"].as_i64()).max();
    let id = highest.map_or(FIRST_ID, |id| id + 1);
    telegram.user_named(id, name, &new.language);
    Ok(Json(json!({ "id": id })).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct Text {
    text: String,
}

pub(super) async fn send_text(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(sent): Json<Text>,
) -> Done {
    let text = sent.text.trim();
    if text.is_empty() {
        return Err(Problem::bad("EMPTY"));
    }
    let person = person(&stage, id)?;
    if person.has_blocked() {
        // The app unblocks a bot when its user starts it again.
        person.unblock();
    }
    // The app splits what is too long for one message.
    let letters: Vec<char> = text.chars().collect();
    for part in letters.chunks(4096) {
        person.send_text(&part.iter().collect::<String>());
    }
    done()
}

/// Parts `picture` (1 to 10), `caption`, `as_file`.
pub(super) async fn send_pictures(
    State(stage): Shared,
    Path(id): Path<i64>,
    mut form: Multipart,
) -> Done {
    let broken = |_| Problem::bad("BAD_FORM");
    let mut pictures: Vec<(String, String, Bytes)> = Vec::new();
    let (mut caption, mut as_file) = (None, false);
    while let Some(part) = form.next_field().await.map_err(broken)? {
        match part.name().unwrap_or_default() {
            "caption" => caption = Some(part.text().await.map_err(broken)?),
            "as_file" => as_file = part.text().await.map_err(broken)? == "true",
            _ => {
                let name = part.file_name().unwrap_or("file").to_owned();
                let kind = part.content_type().unwrap_or("application/octet-stream").to_owned();
                pictures.push((name, kind, part.bytes().await.map_err(broken)?));
            }
        }
    }
    if pictures.is_empty() || pictures.len() > 10 {
        return Err(Problem::bad("COUNT_OF_PICTURES"));
    }
    let person = person(&stage, id)?;
    let sent = tokio::task::spawn_blocking(move || {
        send_all(&person, &pictures, caption.as_deref(), as_file)
    });
    match sent.await {
        Ok(Ok(())) => done(),
        Ok(Err(_)) | Err(_) => Err(Problem::bad("NOT_A_PICTURE")),
    }
}

/// Decoding and encoding pictures takes a while: not for an async thread.
fn send_all(
    person: &TelegramUser,
    pictures: &[(String, String, Bytes)],
    caption: Option<&str>,
    as_file: bool,
) -> anyhow::Result<()> {
    if as_file {
        for (name, kind, bytes) in pictures {
            person.send_document(name, kind, bytes.clone(), caption)?;
        }
    } else if let [(_, _, bytes)] = pictures {
        person.send_photo(bytes, caption)?;
    } else {
        let pictures: Vec<Bytes> = pictures.iter().map(|(_, _, bytes)| bytes.clone()).collect();
        person.send_album(&pictures, caption)?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Odd {
    Sticker,
    Voice,
    LargeFile,
}

#[derive(Debug, Deserialize)]
pub(super) struct OddThing {
    what: Odd,
}

pub(super) async fn send_odd(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(sent): Json<OddThing>,
) -> Done {
    let person = person(&stage, id)?;
    match sent.what {
        Odd::Sticker => person.send_sticker(),
        Odd::Voice => person.send_voice(),
        Odd::LargeFile => person
            .send_document("large.png", "image/png", Bytes::from(vec![0; 25 * 1024 * 1024]), None)
            .map_err(|_| Problem::bad("NOT_KEPT"))?,
    };
    done()
}

#[derive(Debug, Deserialize)]
pub(super) struct Press {
    message_id: i64,
    data: String,
}

pub(super) async fn press(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(press): Json<Press>,
) -> Done {
    let pressed = person(&stage, id)?.press_on(press.message_id, &press.data);
    pressed.map_err(|_| Problem(StatusCode::NOT_FOUND, "NO_SUCH_MESSAGE".to_owned()))?;
    done()
}

#[derive(Debug, Deserialize)]
pub(super) struct Invoice {
    message_id: i64,
}

/// Pays an invoice in the chat, as often as it is asked for. Where the bot said no, the chat shows its word.
pub(super) async fn pay_invoice(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(invoice): Json<Invoice>,
) -> Done {
    match person(&stage, id)?.pay_invoice(invoice.message_id).await {
        Ok(_) | Err(NotPaid::Refused(_) | NotPaid::Unanswered) => done(),
        Err(NotPaid::NoInvoice) => {
            Err(Problem(StatusCode::NOT_FOUND, "NO_SUCH_MESSAGE".to_owned()))
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Blocked {
    blocked: bool,
}

pub(super) async fn set_blocked(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(wanted): Json<Blocked>,
) -> Done {
    let person = person(&stage, id)?;
    if wanted.blocked {
        person.block();
    } else {
        person.unblock();
    }
    done()
}

pub(super) async fn file(State(stage): Shared, Path(file_id): Path<String>) -> Done {
    let telegram = stand_in(&stage)?;
    let absent = || Problem(StatusCode::NOT_FOUND, "NO_SUCH_FILE".to_owned());
    let bytes = telegram.file(&file_id).ok_or_else(absent)?;
    let kind = telegram.mime_type(&file_id).unwrap_or_default();
    // Only pictures are shown; anything else a browser shall not interpret.
    let kind =
        if kind.starts_with("image/") { kind } else { "application/octet-stream".to_owned() };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct GivenMoney {
    /// Whole units; negative takes.
    units: i64,
}

pub(super) async fn give_money(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(given): Json<GivenMoney>,
) -> Done {
    let micros = given.units.checked_mul(1_000_000).ok_or_else(|| Problem::bad("BAD_AMOUNT"))?;
    stage.operator.adjust(&money::user_id(id), micros).await?;
    done()
}

#[derive(Debug, Deserialize)]
pub(super) struct GivenFree {
    operations: i64,
}

pub(super) async fn give_free(
    State(stage): Shared,
    Path(id): Path<i64>,
    Json(given): Json<GivenFree>,
) -> Done {
    stage.operator.grant(&money::user_id(id), given.operations).await?;
    done()
}
