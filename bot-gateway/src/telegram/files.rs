//! Downloads of photos that users sent.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::{Api, ApiError, api::unavailable};

/// What bots can download, and what the worker takes.
pub const MAX_BYTES: usize = 20 << 20;

/// Downloads files by their `file_id`. The link (it holds the token) goes nowhere. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    api: Api,
}

/// A picture that a user sent.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Up to 20 MB.
    pub bytes: Bytes,
    /// image/png, image/jpeg or image/webp, told by the bytes.
    pub mime_type: &'static str,
}

/// Why a photo could not be downloaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// Above 20 MB, which bots can't download.
    #[error("the file is larger than 20 MB")]
    TooLarge,
    /// No PNG, JPEG or WebP.
    #[error("the file is no PNG, JPEG or WebP")]
    NotAPicture,
    /// Telegram doesn't know it, or not any more.
    #[error("telegram does not have the file")]
    Gone,
    /// Worth trying again.
    #[error("telegram did not serve the file")]
    Unavailable,
}

#[derive(Deserialize)]
struct File {
    file_path: Option<String>,
    file_size: Option<u64>,
}

impl Files {
    /// Through this API.
    pub fn new(api: Api) -> Self {
        Files { api }
    }

    /// The picture behind a `file_id`, at most 20 MB.
    pub async fn download(&self, file_id: &str) -> Result<Photo, FilesError> {
        let file: File =
            self.api.call("getFile", &json!({ "file_id": file_id })).await.map_err(sorted)?;
        if file.file_size.is_some_and(|size| size > MAX_BYTES as u64) {
            return Err(FilesError::TooLarge);
        }
        let path = file.file_path.ok_or(FilesError::Gone)?;
        let mut stream = self.api.file(&path).await.map_err(sorted)?.bytes_stream();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| sorted(unavailable(error)))?;
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(FilesError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        let bytes = bytes.freeze();
        let mime_type = service_kit::picture::mime_type(&bytes).ok_or(FilesError::NotAPicture)?;
        Ok(Photo { bytes, mime_type })
    }
}

fn sorted(error: ApiError) -> FilesError {
    match error {
        ApiError::Refused { code: 429, .. } | ApiError::Unavailable(_) | ApiError::Client => {
            FilesError::Unavailable
        }
        ApiError::Refused { description, .. } if description.contains("file is too big") => {
            FilesError::TooLarge
        }
        ApiError::Refused { .. } => FilesError::Gone,
    }
}
