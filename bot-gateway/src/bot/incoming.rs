//! Reads a message as an [`Input`] of the dialogue: words, a picture, or why it can't be used.

use teloxide::types::{Document, Message};

use super::dialogue::{Input, Photo, Wrong};

/// Telegram lets bots download files up to this.
const FILE_LIMIT: u32 = 20 * 1024 * 1024;
/// What teloxide puts where Telegram said nothing.
const SIZE_UNKNOWN: u32 = u32::MAX;
const PICTURE_TYPES: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// What a message brings.
pub fn read(message: &Message) -> Input {
    if let Some(text) = message.text() {
        return Input::Text(text.to_owned());
    }
    // An animation comes as a document as well.
    if message.video().is_some() || message.animation().is_some() {
        return Input::Wrong(Wrong::Video);
    }
    if let Some(sizes) = message.photo() {
        return match sizes.iter().max_by_key(|size| u64::from(size.width) * u64::from(size.height))
        {
            Some(size) if fits(size.file.size) => picture(message, &size.file.id.0),
            Some(_) => Input::Wrong(Wrong::FileSize),
            None => Input::Wrong(Wrong::Other),
        };
    }
    if let Some(document) = message.document() {
        return of_document(message, document);
    }
    Input::Wrong(if message.sticker().is_some() {
        Wrong::Sticker
    } else if message.voice().is_some()
        || message.audio().is_some()
        || message.video_note().is_some()
    {
        Wrong::Voice
    } else {
        Wrong::Other
    })
}

fn of_document(message: &Message, document: &Document) -> Input {
    // The size first: "too big" is the more helpful answer to a picture of 25 MB.
    if !fits(document.file.size) {
        return Input::Wrong(Wrong::FileSize);
    }
    let mime_type = document.mime_type.as_ref().map(|mime_type| mime_type.essence_str());
    match mime_type {
        Some(mime_type) if PICTURE_TYPES.contains(&mime_type) => {
            picture(message, &document.file.id.0)
        }
        _ => Input::Wrong(Wrong::FileType),
    }
}

/// A size that Telegram did not tell is found out at the download.
fn fits(size: u32) -> bool {
    size <= FILE_LIMIT || size == SIZE_UNKNOWN
}

fn picture(message: &Message, file_id: &str) -> Input {
    Input::Photo {
        photo: Photo { file_id: file_id.to_owned(), message_id: message.id.0 },
        caption: message.caption().map(str::to_owned),
        album: message.media_group_id().map(|id| id.0.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(content: Value) -> Message {
        let mut message = json!({
            "message_id": 5,
            "date": 1_700_000_000,
            "chat": {"id": 7, "type": "private", "first_name": "A"},
            "from": {"id": 7, "is_bot": false, "first_name": "A"},
        });
        message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        serde_json::from_str(&message.to_string()).unwrap()
    }

    fn file(id: &str, size: u64) -> Value {
        json!({"file_id": id, "file_unique_id": id, "file_size": size})
    }

    fn document(mime_type: &str, size: u64) -> Value {
        let mut document = file("d", size);
        document["mime_type"] = json!(mime_type);
        json!({"document": document})
    }

    #[test]
    fn the_largest_size_of_a_photo_is_taken_with_its_caption_and_album() {
        let mut sizes = vec![file("small", 10), file("large", 1000), file("medium", 100)];
        for (size, side) in sizes.iter_mut().zip([90, 1280, 320]) {
            size["width"] = json!(side);
            size["height"] = json!(side);
        }
        let input =
            read(&message(json!({"photo": sizes, "caption": "в шляпе", "media_group_id": "g"})));
        let photo = Photo { file_id: "large".to_owned(), message_id: 5 };
        let (caption, album) = (Some("в шляпе".to_owned()), Some("g".to_owned()));
        assert_eq!(input, Input::Photo { photo, caption, album });
    }

    #[test]
    fn pictures_sent_as_files_are_taken_up_to_20_mb() {
        for mime_type in PICTURE_TYPES {
            assert!(matches!(read(&message(document(mime_type, 20 << 20))), Input::Photo { .. }));
            assert_eq!(
                read(&message(document(mime_type, 25 << 20))),
                Input::Wrong(Wrong::FileSize)
            );
        }
        assert_eq!(read(&message(document("application/pdf", 10))), Input::Wrong(Wrong::FileType));
        assert_eq!(read(&message(document("image/gif", 10))), Input::Wrong(Wrong::FileType));
        assert_eq!(
            read(&message(json!({"document": file("d", 10)}))),
            Input::Wrong(Wrong::FileType)
        );
    }

    #[test]
    fn what_no_dialogue_takes_is_told_apart() {
        let mut sticker = file("s", 1);
        sticker.as_object_mut().unwrap().extend(
            json!({"type": "regular", "width": 1, "height": 1, "is_animated": false, "is_video": false})
                .as_object()
                .unwrap()
                .clone(),
        );
        let mut voice = file("v", 1);
        voice["duration"] = json!(1);
        voice["mime_type"] = json!("audio/ogg");
        let contact = json!({"phone_number": "1", "first_name": "A"});
        for (content, wrong) in [
            (json!({"sticker": sticker}), Wrong::Sticker),
            (json!({"voice": voice}), Wrong::Voice),
            (json!({"contact": contact}), Wrong::Other),
        ] {
            assert_eq!(read(&message(content)), Input::Wrong(wrong));
        }
    }
}
