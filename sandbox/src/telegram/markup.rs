//! Text with `parse_mode`, and inline keyboards: what Telegram makes of them and what it refuses.

use serde_json::{Value, json};

use super::api::ApiError;
use super::params::Params;

const TEXT_LIMIT: usize = 4096;
const CAPTION_LIMIT: usize = 1024;

/// A message's text as shown, with its entities.
#[derive(Debug, PartialEq)]
pub(super) struct Formatted {
    pub(super) text: String,
    pub(super) entities: Vec<Value>,
}

pub(super) fn text(params: &Params) -> Result<Formatted, ApiError> {
    let formatted = format(params.text("text").unwrap_or_default(), params, "entities")?;
    if formatted.text.trim().is_empty() {
        return Err(ApiError::bad("message text is empty"));
    }
    if utf16_len(&formatted.text) > TEXT_LIMIT {
        return Err(ApiError::bad("message is too long"));
    }
    Ok(formatted)
}

pub(super) fn caption(params: &Params) -> Result<Formatted, ApiError> {
    let formatted = format(params.text("caption").unwrap_or_default(), params, "caption_entities")?;
    if utf16_len(&formatted.text) > CAPTION_LIMIT {
        return Err(ApiError::bad("message caption is too long"));
    }
    Ok(formatted)
}

fn format(source: String, params: &Params, entities: &str) -> Result<Formatted, ApiError> {
    match params.text("parse_mode").as_deref() {
        None | Some("") => {
            let entities = match params.json(entities) {
                Some(Value::Array(entities)) => entities,
                _ => Vec::new(),
            };
            Ok(Formatted { text: source, entities })
        }
        Some("HTML") => html(&source),
        Some(_) => Err(ApiError::bad("unsupported parse_mode")),
    }
}

/// Telegram's small HTML: paired tags and four character references.
pub(super) fn html(source: &str) -> Result<Formatted, ApiError> {
    let refuse = |what: &str| Err(ApiError::bad(&format!("can't parse entities: {what}")));
    let mut shown = String::new();
    let mut entities = Vec::new();
    let mut open: Vec<(String, usize, Option<String>)> = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['<', '&']) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('&') {
            let known = [("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("quot;", '"')];
            match known.iter().find(|(name, _)| after.starts_with(name)) {
                Some((name, letter)) => {
                    shown.push(*letter);
                    rest = &after[name.len()..];
                }
                None => {
                    shown.push('&');
                    rest = after;
                }
            }
            continue;
        }
        let Some(end) = rest.find('>') else {
            return refuse("Unclosed start tag");
        };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let Some((opened, start, link)) = open.pop().filter(|(opened, _, _)| opened == name)
            else {
                return refuse("Unmatched end tag");
            };
            entities.push(entity(&opened, link, start, utf16_len(&shown) - start));
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if kind(name).is_none() {
            return refuse(&format!("Unsupported start tag \"{name}\""));
        }
        let link = attributes.split_once("href=\"").and_then(|(_, link)| link.split_once('"'));
        open.push((name.to_owned(), utf16_len(&shown), link.map(|(link, _)| link.to_owned())));
    }
    shown.push_str(rest);
    if open.is_empty() {
        Ok(Formatted { text: shown, entities })
    } else {
        refuse("Can't find end tag")
    }
}

fn kind(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "code" => "code",
        "pre" => "pre",
        "a" => "text_link",
        "blockquote" => "blockquote",
        "tg-spoiler" => "spoiler",
        _ => return None,
    })
}

fn entity(tag: &str, link: Option<String>, offset: usize, length: usize) -> Value {
    let mut entity = json!({"type": kind(tag), "offset": offset, "length": length});
    if let Some(link) = link {
        entity["url"] = json!(link);
    }
    entity
}

/// Entities that Telegram finds in what a user types.
pub(super) fn typed_entities(text: &str) -> Vec<Value> {
    if !text.starts_with('/') {
        return Vec::new();
    }
    let command = text.split_whitespace().next().unwrap_or_default();
    vec![json!({"type": "bot_command", "offset": 0, "length": utf16_len(command)})]
}

/// The inline keyboard of a call, checked; `None` when there is none.
pub(super) fn keyboard(params: &Params) -> Result<Option<Value>, ApiError> {
    let Some(markup) = params.json("reply_markup") else {
        return Ok(None);
    };
    let Some(rows) = markup.get("inline_keyboard").and_then(Value::as_array) else {
        return Ok(None);
    };
    for button in rows.iter().filter_map(Value::as_array).flatten() {
        let label = button["text"].as_str().unwrap_or_default();
        if label.is_empty() {
            return Err(ApiError::bad(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
            ));
        }
        if let Some(data) = button.get("callback_data").and_then(Value::as_str)
            && !(1..=64).contains(&data.len())
        {
            return Err(ApiError::bad("BUTTON_DATA_INVALID"));
        }
    }
    let empty = rows.iter().all(|row| row.as_array().is_none_or(Vec::is_empty));
    Ok((!empty).then(|| json!({ "inline_keyboard": rows })))
}

/// Telegram counts in UTF-16 code units.
fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}
