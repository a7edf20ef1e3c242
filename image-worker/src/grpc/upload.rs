//! Takes one picture: a header, then chunks.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proto::images::v1::UploadInputRequest;
use proto::images::v1::upload_input_request::{Header, Part};
use tonic::{Status, Streaming};

use super::status::Refusal;
use super::validate;

/// In bytes.
pub(super) const MAX_INPUT: usize = 20 << 20;
/// In bytes, of one message.
pub(super) const MAX_CHUNK: usize = 1 << 20;
/// For the whole of one upload.
const MAX_TIME: Duration = Duration::from_secs(120);

/// Reads an upload to its end, or to the first thing that is wrong with it: whose picture it is, and the picture.
pub(super) async fn receive(
    stream: Streaming<UploadInputRequest>,
) -> Result<(String, Bytes), Status> {
    match tokio::time::timeout(MAX_TIME, collect(stream)).await {
        Ok(received) => received,
        Err(_) => Err(Refusal::Overloaded { what: "the upload took longer than 2 minutes" }.into()),
    }
}

async fn collect(mut stream: Streaming<UploadInputRequest>) -> Result<(String, Bytes), Status> {
    let first = stream.message().await?.and_then(|message| message.part);
    let Some(Part::Header(header)) = first else {
        return Err(Refusal::field("header", "the first message").into());
    };
    validate::header(&header)?;
    let mut picture = BytesMut::new();
    while let Some(message) = stream.message().await? {
        add(&mut picture, message.part)?;
    }
    let picture = picture.freeze();
    check(&header, &picture)?;
    Ok((header.user_id, picture))
}

fn add(picture: &mut BytesMut, part: Option<Part>) -> Result<(), Refusal> {
    let Some(Part::Chunk(chunk)) = part else {
        return Err(Refusal::field("chunk", "every message but the first"));
    };
    if chunk.is_empty() || chunk.len() > MAX_CHUNK {
        return Err(Refusal::field("chunk", "1 byte to 1 MB"));
    }
    if picture.len() + chunk.len() > MAX_INPUT {
        return Err(Refusal::field("chunk", "at most 20 MB in all"));
    }
    picture.extend_from_slice(&chunk);
    Ok(())
}

fn check(header: &Header, picture: &Bytes) -> Result<(), Refusal> {
    if picture.is_empty() {
        return Err(Refusal::field("chunk", "at least one"));
    }
    match service_kit::picture::mime_type(picture) {
        Some(found) if found == header.mime_type => Ok(()),
        Some(found) => {
            Err(Refusal::field("header.mime_type", format!("what the bytes are, {found}")))
        }
        None => Err(Refusal::field("chunk", "a PNG, JPEG or WebP file")),
    }
}
