//! Messages as a user sees them.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

/// A message as a user sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Telegram's id of the message.
    pub id: i64,
    /// Did the bot send it?
    pub from_bot: bool,
    /// Text or caption; empty for none.
    pub text: String,
    /// `file_id` of the photo.
    pub photo: Option<String>,
    /// `file_id` of the document.
    pub document: Option<String>,
    /// The inline keyboard, row after row.
    pub buttons: Vec<Button>,
    /// Shared by the messages of one album.
    pub album: Option<String>,
    /// Was it edited?
    pub edited: bool,
    /// What is asked for in an invoice.
    pub invoice: Option<SeenInvoice>,
}

/// An invoice as the payer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenInvoice {
    /// What is sold.
    pub title: String,
    /// In more words.
    pub description: String,
    /// What it costs.
    pub stars: i64,
}

impl Seen {
    pub(super) fn read(message: &Value) -> Self {
        let string = |value: &Value| value.as_str().map(str::to_owned);
        let rows = message["reply_markup"]["inline_keyboard"].as_array();
        let buttons = rows.into_iter().flatten().filter_map(Value::as_array).flatten();
        let sizes = message["photo"].as_array();
        Self {
            id: message["message_id"].as_i64().unwrap_or_default(),
            from_bot: message["from"]["is_bot"] == true,
            text: string(&message["text"])
                .or_else(|| string(&message["caption"]))
                .unwrap_or_default(),
            photo: sizes.and_then(|sizes| sizes.last()).and_then(|size| string(&size["file_id"])),
            document: string(&message["document"]["file_id"]),
            buttons: buttons.map(Button::read).collect(),
            album: string(&message["media_group_id"]),
            edited: message.get("edit_date").is_some(),
            invoice: message.get("invoice").map(|invoice| SeenInvoice {
                title: string(&invoice["title"]).unwrap_or_default(),
                description: string(&invoice["description"]).unwrap_or_default(),
                stars: invoice["total_amount"].as_i64().unwrap_or_default(),
            }),
        }
    }
}

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// The label.
    pub text: String,
    /// `callback_data`; empty for a link.
    pub data: String,
    /// Where a link leads; empty for any other.
    pub url: String,
}

impl Button {
    fn read(button: &Value) -> Self {
        let field = |name: &str| button[name].as_str().unwrap_or_default().to_owned();
        Self { text: field("text"), data: field("callback_data"), url: field("url") }
    }
}

/// Nothing in the chat has this button.
#[derive(Debug, Error)]
#[error("no button {0:?} in the chat")]
pub struct NoSuchButton(pub String);

/// What the chat showed when patience ended.
#[derive(Error)]
#[error("no message fits")]
pub struct NotSeen(pub Vec<Seen>);

impl fmt::Debug for NotSeen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "no message fits; the chat shows:")?;
        for message in &self.0 {
            let who = if message.from_bot { "bot " } else { "user" };
            let labels: Vec<_> = message.buttons.iter().map(|button| &button.text).collect();
            let photo = if message.photo.is_some() { " [photo]" } else { "" };
            write!(out, "  {who} #{}{photo} {:?} {labels:?}", message.id, message.text)?;
            match &message.invoice {
                Some(invoice) => writeln!(out, " [invoice of {} Stars]", invoice.stars)?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    }
}
