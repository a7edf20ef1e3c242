//! Every field's limits, in one place. Nothing is read or written here.

use proto::gateway::v1 as gateway;
use proto::images::v1::SubmitJobRequest;
use proto::images::v1::upload_input_request::Header;
use uuid::Uuid;

use super::status::Refusal;
use crate::fal::{MAX_PICTURES, Models};
use crate::jobs::{Kind, Prompt, ReplyTo, Spec};

/// In characters.
pub(super) const MAX_PROMPT: usize = 2000;
const MAX_OPTIONS: usize = 16;
const MAX_OPTION_NAME: usize = 64;
const MAX_OPTION_VALUE: usize = 256;
const MAX_USER_ID: usize = 64;
const MIME_TYPES: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// An operation's id: a UUID in its usual form.
pub(super) fn operation_id(id: &str) -> Result<(), Refusal> {
    let usual = Uuid::parse_str(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id);
    ensure(usual, "operation_id", "a UUID, in lower case with hyphens")
}

/// A user's id.
pub(super) fn user_id(field: &str, id: &str) -> Result<(), Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_.-".contains(&byte);
    let fits = (1..=MAX_USER_ID).contains(&id.len()) && id.bytes().all(plain);
    ensure(fits, field, "1 to 64 characters of A-Z a-z 0-9 : _ . -")
}

/// The header of an upload.
pub(super) fn header(header: &Header) -> Result<(), Refusal> {
    user_id("header.user_id", &header.user_id)?;
    let known = MIME_TYPES.contains(&header.mime_type.as_str());
    ensure(known, "header.mime_type", "image/png, image/jpeg or image/webp")
}

/// The index of a picture.
pub(super) fn index(index: i32) -> Result<usize, Refusal> {
    usize::try_from(index)
        .ok()
        .filter(|index| *index < MAX_PICTURES)
        .ok_or_else(|| Refusal::field("index", format!("0 to {}", MAX_PICTURES - 1)))
}

/// A job to be taken.
pub(super) fn submit(request: SubmitJobRequest, models: &Models) -> Result<Spec, Refusal> {
    operation_id(&request.operation_id)?;
    user_id("user_id", &request.user_id)?;
    let kind = Kind::from_name(&request.kind).ok_or_else(|| {
        let names = Kind::ALL.map(Kind::name).join(", ");
        Refusal::field("kind", format!("one of {names}"))
    })?;
    prompt(kind, &request.prompt)?;
    input_ids(kind, &request.input_ids)?;
    ensure(request.options.len() <= MAX_OPTIONS, "options", "at most 16")?;
    for (name, value) in &request.options {
        let named = (1..=MAX_OPTION_NAME).contains(&name.chars().count());
        ensure(named, "options", "names of 1 to 64 characters")?;
        let short = value.chars().count() <= MAX_OPTION_VALUE;
        ensure(short, "options", "values of up to 256 characters")?;
    }
    let model = models.of(kind);
    if let Some(name) = model.and_then(|model| model.wrong_option(&request.options)) {
        return Err(Refusal::field("options", format!("a value of the type that {name:?} has")));
    }
    let reply_to = reply_to(request.reply_to)?;
    Ok(Spec {
        user_id: request.user_id,
        kind,
        prompt: Prompt(request.prompt),
        input_ids: request.input_ids,
        options: request.options.into_iter().collect(),
        reply_to,
    })
}

fn prompt(kind: Kind, prompt: &str) -> Result<(), Refusal> {
    let there = !kind.needs_prompt() || !prompt.trim().is_empty();
    let short = prompt.chars().count() <= MAX_PROMPT;
    let takes = if kind.needs_prompt() { "1 to 2000 characters" } else { "up to 2000 characters" };
    ensure(there && short, "prompt", takes)
}

fn input_ids(kind: Kind, ids: &[String]) -> Result<(), Refusal> {
    let wanted = kind.inputs();
    if !wanted.contains(&ids.len()) {
        let takes = if wanted.start() == wanted.end() {
            format!("{} for {}", wanted.start(), kind.name())
        } else {
            format!("{} to {} for {}", wanted.start(), wanted.end(), kind.name())
        };
        return Err(Refusal::field("input_ids", takes));
    }
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    for (index, id) in ids.iter().enumerate() {
        let fits = id.len() == 64 && id.bytes().all(hex);
        ensure(fits, &format!("input_ids[{index}]"), "an id that UploadInput answered")?;
    }
    Ok(())
}

fn reply_to(given: Option<gateway::ReplyTo>) -> Result<ReplyTo, Refusal> {
    let given = given.ok_or_else(|| Refusal::field("reply_to", "must be there"))?;
    ensure(given.chat_id != 0, "reply_to.chat_id", "not 0")?;
    ensure(given.message_id >= 0, "reply_to.message_id", "0 or above")?;
    ensure(matches!(given.locale.as_str(), "ru" | "en"), "reply_to.locale", "ru or en")?;
    Ok(ReplyTo { chat_id: given.chat_id, message_id: given.message_id, locale: given.locale })
}

fn ensure(holds: bool, field: &str, takes: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::field(field, takes)) }
}
