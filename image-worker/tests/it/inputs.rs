//! Uploads, message by message.

use bytes::Bytes;
use proto::client::CallError;
use proto::images::v1::UploadInputRequest;
use proto::images::v1::image_service_client::ImageServiceClient;
use proto::images::v1::upload_input_request::{Header, Part};

use crate::harness::{System, USER, png, why};

const MB: usize = 1 << 20;

fn header(user_id: &str, mime_type: &str) -> Option<Part> {
    Some(Part::Header(Header { user_id: user_id.to_owned(), mime_type: mime_type.to_owned() }))
}

fn chunk(bytes: impl Into<Bytes>) -> Option<Part> {
    Some(Part::Chunk(bytes.into()))
}

async fn send(system: &System, parts: Vec<Option<Part>>) -> Result<String, CallError> {
    let mut client = ImageServiceClient::connect(system.address.clone()).await.unwrap();
    let messages = parts.into_iter().map(|part| UploadInputRequest { part });
    let answer = client.upload_input(futures::stream::iter(messages.collect::<Vec<_>>())).await;
    Ok(answer.map_err(CallError::from)?.into_inner().input_id)
}

/// A file that begins like a PNG, of that size.
fn large(size: usize) -> Vec<Option<Part>> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(size, 0);
    bytes.chunks(MB).map(|part| chunk(part.to_vec())).collect()
}

#[tokio::test]
async fn an_upload_that_is_not_as_it_must_be_is_refused_and_leaves_nothing() {
    let system = System::start().await;
    let good = || header(USER, "image/png");
    let table = [
        ("header", vec![]),
        ("header", vec![None]),
        ("header", vec![chunk(png(1))]),
        ("header.user_id", vec![header("", "image/png"), chunk(png(1))]),
        ("header.user_id", vec![header(&"u".repeat(65), "image/png"), chunk(png(1))]),
        ("header.mime_type", vec![header(USER, "image/gif"), chunk(png(1))]),
        ("header.mime_type", vec![header(USER, ""), chunk(png(1))]),
        ("header.mime_type", vec![header(USER, "image/jpeg"), chunk(png(1))]),
        ("chunk", vec![good()]),
        ("chunk", vec![good(), good()]),
        ("chunk", vec![good(), None]),
        ("chunk", vec![good(), chunk(Vec::new())]),
        ("chunk", vec![good(), chunk(b"GIF89a".to_vec())]),
        ("chunk", vec![good(), chunk(vec![0x89; MB + 1])]),
        ("chunk", [vec![good()], large(20 * MB + 1)].concat()),
    ];
    for (number, (field, parts)) in table.into_iter().enumerate() {
        let error = send(&system, parts).await.unwrap_err();
        assert_eq!(why(&error), ("INVALID_FIELD", field), "case {number}");
    }
    let inputs = system.folder.path().join("blobs/inputs");
    assert!(!inputs.exists(), "something was kept");
}

#[tokio::test]
async fn twenty_megabytes_are_taken() {
    let system = System::start().await;
    let parts = [vec![header(USER, "image/png")], large(20 * MB)].concat();
    assert_eq!(send(&system, parts).await.unwrap().len(), 64);
}

#[tokio::test]
async fn the_same_picture_again_is_the_same_input() {
    let system = System::start().await;
    let first = system.upload(&png(1)).await;
    assert_eq!(system.upload(&png(1)).await, first);
    assert_ne!(system.upload(&png(2)).await, first);
}
