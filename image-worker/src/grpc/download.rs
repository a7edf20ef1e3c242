//! Gives one picture of a result: a header, then chunks, each read when the caller takes it.

use futures::Stream;
use futures::stream::{self, StreamExt, TryStreamExt};
use proto::images::v1::GetResultResponse;
use proto::images::v1::get_result_response::{Header, Part};
use tonic::Status;

use super::status::Refusal;
use super::upload::MAX_CHUNK;
use crate::blobs::Blobs;

/// The stream of one picture; fails at once when there is none.
pub(super) async fn send(
    blobs: Blobs,
    operation_id: String,
    index: usize,
    mime_type: String,
) -> Result<impl Stream<Item = Result<GetResultResponse, Status>> + Send + 'static, Refusal> {
    let size = blobs.result_size(&operation_id, index).await?;
    let size_bytes = i64::try_from(size).unwrap_or(i64::MAX);
    let header = part(Part::Header(Header { mime_type, size_bytes }));
    let chunks = stream::try_unfold(0, move |offset: u64| {
        let (blobs, operation_id) = (blobs.clone(), operation_id.clone());
        async move {
            if offset >= size {
                return Ok::<_, Refusal>(None);
            }
            let end = offset.saturating_add(MAX_CHUNK as u64).min(size);
            let bytes = blobs.result_part(&operation_id, index, offset..end).await?;
            Ok(Some((part(Part::Chunk(bytes)), end)))
        }
    });
    Ok(stream::once(async { Ok(header) }).chain(chunks.map_err(Status::from)))
}

fn part(part: Part) -> GetResultResponse {
    GetResultResponse { part: Some(part) }
}
