//! Pictures on their way to Telegram: a photo up to 10 MB, a document beyond that or where Telegram does not take
//! it as a photo (its sides are too long, say).

use bytes::Bytes;
use proto::{
    client::{CallError, ImagesClient},
    images::v1::GetJobRequest,
};
use teloxide::{
    Bot,
    prelude::Requester,
    types::{
        ChatId, InputFile, InputMedia, InputMediaDocument, InputMediaPhoto, Message, MessageId,
        ReplyMarkup,
    },
};

pub(super) use proto::client::Picture;

use super::ShowError;
use crate::{
    bot::render::Rendered,
    telegram::send::{SendError, edit, send},
};

/// What Telegram takes as a photo.
const MAX_PHOTO_BYTES: usize = 10 << 20;
/// What an album holds.
const MAX_ALBUM: u32 = 10;

/// The first `count` pictures of a result.
pub(super) async fn fetch(
    images: &ImagesClient,
    operation_id: &str,
    count: u32,
) -> Result<Vec<Picture>, CallError> {
    let mut pictures = Vec::new();
    for index in 0..count.min(MAX_ALBUM) {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        pictures.push(images.get_result(operation_id, index).await?);
    }
    Ok(pictures)
}

/// All pictures of a result that was delivered before.
pub(super) async fn fetch_all(
    images: &ImagesClient,
    operation_id: &str,
) -> Result<Vec<Picture>, ShowError> {
    let sorted = |error: CallError| {
        if error.is_retryable() { ShowError::Unavailable } else { ShowError::Gone }
    };
    let job = images
        .get_job(GetJobRequest { operation_id: operation_id.to_owned() })
        .await
        .map_err(sorted)?;
    let count = job.job.and_then(|job| u32::try_from(job.result_count).ok()).unwrap_or_default();
    if count == 0 {
        return Err(ShowError::Gone);
    }
    fetch(images, operation_id, count).await.map_err(sorted)
}

/// Turns a message into a picture; answers Telegram's id of the file. May be repeated.
pub(super) async fn put_into(
    bot: &Bot,
    chat_id: i64,
    message_id: i32,
    picture: &Picture,
    text: &Rendered,
) -> Result<Vec<String>, SendError> {
    let mut refused = None;
    for shape in Shape::of(std::slice::from_ref(picture)) {
        let media = shape.media(picture, 0, Some(&text.text));
        let mut change = bot.edit_message_media(ChatId(chat_id), MessageId(message_id), media);
        change.reply_markup = text.keyboard.clone();
        match edit(change).await {
            Ok(message) => return Ok(message.as_ref().and_then(file_id).into_iter().collect()),
            Err(SendError::Refused(why)) => refused = Some(SendError::Refused(why)),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or(SendError::Unclear))
}

/// Sends a new message with the pictures; answers Telegram's ids of the files. An album goes without its text.
pub(super) async fn send_new(
    bot: &Bot,
    chat_id: i64,
    pictures: &[Picture],
    text: &Rendered,
) -> Result<Vec<String>, SendError> {
    let mut refused = None;
    for shape in Shape::of(pictures) {
        let sent = match pictures {
            [picture] => shape.send(bot, chat_id, picture, text).await.map(|message| vec![message]),
            album => {
                let media = album
                    .iter()
                    .enumerate()
                    .map(|(index, picture)| shape.media(picture, index, None));
                send(bot.send_media_group(ChatId(chat_id), media)).await
            }
        };
        match sent {
            Ok(messages) => return Ok(messages.iter().filter_map(file_id).collect()),
            Err(SendError::Refused(why)) => refused = Some(SendError::Refused(why)),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or(SendError::Unclear))
}

/// How pictures go out; an album is of one shape.
#[derive(Clone, Copy)]
enum Shape {
    Photo,
    Document,
}

impl Shape {
    /// The shapes to try, best first.
    fn of(pictures: &[Picture]) -> &'static [Shape] {
        match pictures.iter().all(|picture| picture.bytes.len() <= MAX_PHOTO_BYTES) {
            true => &[Shape::Photo, Shape::Document],
            false => &[Shape::Document],
        }
    }

    fn media(self, picture: &Picture, index: usize, caption: Option<&str>) -> InputMedia {
        let caption = caption.filter(|caption| !caption.is_empty()).map(str::to_owned);
        let file = file(picture, index);
        match self {
            Shape::Photo => {
                let mut media = InputMediaPhoto::new(file);
                media.caption = caption;
                InputMedia::Photo(media)
            }
            Shape::Document => {
                let mut media = InputMediaDocument::new(file);
                media.caption = caption;
                InputMedia::Document(media)
            }
        }
    }

    async fn send(
        self,
        bot: &Bot,
        chat_id: i64,
        picture: &Picture,
        text: &Rendered,
    ) -> Result<Message, SendError> {
        let caption = Some(text.text.clone()).filter(|text| !text.is_empty());
        let markup = text.keyboard.clone().map(ReplyMarkup::InlineKeyboard);
        match self {
            Shape::Photo => {
                let mut request = bot.send_photo(ChatId(chat_id), file(picture, 0));
                request.caption = caption;
                request.reply_markup = markup;
                send(request).await
            }
            Shape::Document => {
                let mut request = bot.send_document(ChatId(chat_id), file(picture, 0));
                request.caption = caption;
                request.reply_markup = markup;
                send(request).await
            }
        }
    }
}

fn file(picture: &Picture, index: usize) -> InputFile {
    let extension = match picture.mime_type.as_str() {
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        _ => "png",
    };
    let bytes: Bytes = picture.bytes.clone();
    InputFile::memory(bytes).file_name(format!("picture-{}.{extension}", index + 1))
}

/// Of the largest size of a photo, or of a document.
fn file_id(message: &Message) -> Option<String> {
    let photo = message.photo().and_then(|sizes| sizes.last()).map(|size| &size.file.id);
    let document = message.document().map(|document| &document.file.id);
    photo.or(document).map(|id| id.0.clone())
}
