//! Files that users or the bot sent, known by `file_id`.

use bytes::Bytes;
use image::ImageFormat;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::api::ApiError;

/// A bot can download no more than this.
const DOWNLOAD_LIMIT: usize = 20 * 1024 * 1024;
/// A picture sent as a photo.
const PHOTO_LIMIT: usize = 10 * 1024 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub(super) unique_id: String,
    /// `photos/file_3.jpg`; the last part of a download link.
    pub(super) path: String,
    pub(super) mime_type: String,
    pub(super) size: usize,
    /// Width and height of a picture.
    pub(super) sides: Option<(u32, u32)>,
    /// In memory only when there is no folder.
    #[serde(skip)]
    pub(super) bytes: Option<Bytes>,
}

impl World {
    /// Keeps a file; answers its `file_id`.
    pub(super) fn add_file(
        &self,
        kind: &str,
        mime_type: &str,
        bytes: Bytes,
    ) -> Result<String, ApiError> {
        let file_id = format!("AgAC{}", Uuid::new_v4().simple());
        let sides = image::ImageReader::new(std::io::Cursor::new(&bytes))
            .with_guessed_format()
            .ok()
            .and_then(|reader| reader.into_dimensions().ok());
        let size = bytes.len();
        let kept = match &self.disk {
            Some(disk) => {
                disk.write_file(&file_id, &bytes).map_err(|_| ApiError::internal())?;
                None
            }
            None => Some(bytes),
        };
        let mut state = self.state();
        let ending = match mime_type {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            "audio/ogg" => "oga",
            _ => "bin",
        };
        let path = format!("{kind}/file_{}.{ending}", state.files.len());
        let record = FileRecord {
            unique_id: format!("AQAD{}", state.files.len()),
            path,
            mime_type: mime_type.to_owned(),
            size,
            sides,
            bytes: kept,
        };
        state.files.insert(file_id.clone(), record);
        Ok(file_id)
    }

    pub(super) fn file(&self, file_id: &str) -> Option<Bytes> {
        let record = self.state().files.get(file_id).cloned()?;
        match (&record.bytes, &self.disk) {
            (Some(bytes), _) => Some(bytes.clone()),
            (None, Some(disk)) => disk.read_file(file_id),
            (None, None) => None,
        }
    }

    pub(super) fn mime_type(&self, file_id: &str) -> Option<String> {
        let state = self.state();
        state.files.get(file_id).map(|record| record.mime_type.clone())
    }

    /// A photo's `PhotoSize` list: one size, the picture itself.
    pub(super) fn photo_sizes(&self, file_id: &str) -> Result<Value, ApiError> {
        let state = self.state();
        let record = state.files.get(file_id).ok_or_else(ApiError::wrong_file)?;
        let Some((width, height)) = record.sides else {
            return Err(ApiError::bad("IMAGE_PROCESS_FAILED"));
        };
        Ok(
            json!([{"file_id": file_id, "file_unique_id": record.unique_id, "file_size": record.size,
            "width": width, "height": height}]),
        )
    }

    pub(super) fn document(&self, file_id: &str, name: &str) -> Result<Value, ApiError> {
        let state = self.state();
        let record = state.files.get(file_id).ok_or_else(ApiError::wrong_file)?;
        Ok(json!({"file_id": file_id, "file_unique_id": record.unique_id, "file_size": record.size,
            "file_name": name, "mime_type": record.mime_type}))
    }

    /// `getFile`.
    pub(super) fn get_file(&self, file_id: &str) -> Result<Value, ApiError> {
        let state = self.state();
        let unknown = || ApiError::bad("wrong file_id or the file is temporarily unavailable");
        let record = state.files.get(file_id).ok_or_else(unknown)?;
        if record.size > DOWNLOAD_LIMIT {
            return Err(ApiError::bad("file is too big"));
        }
        Ok(json!({"file_id": file_id, "file_unique_id": record.unique_id, "file_size": record.size,
            "file_path": record.path}))
    }

    /// The file behind a download link's path.
    pub(super) fn file_at(&self, path: &str) -> Option<(String, Bytes)> {
        let found = {
            let state = self.state();
            let mut files = state.files.iter();
            files
                .find(|(_, record)| record.path == path)
                .map(|(id, record)| (id.clone(), record.mime_type.clone()))
        };
        let (file_id, mime_type) = found?;
        Some((mime_type, self.file(&file_id)?))
    }
}

/// What Telegram takes as a photo, told by its bytes.
pub(super) fn photo_type(bytes: &[u8]) -> Result<&'static str, ApiError> {
    if bytes.len() > PHOTO_LIMIT {
        return Err(ApiError::bad("too big for a photo"));
    }
    let failed = || ApiError::bad("IMAGE_PROCESS_FAILED");
    let format = image::guess_format(bytes).map_err(|_| failed())?;
    let reader = image::ImageReader::with_format(std::io::Cursor::new(bytes), format);
    let (width, height) = reader.into_dimensions().map_err(|_| failed())?;
    if width + height > 10_000 || width > 20 * height || height > 20 * width {
        return Err(ApiError::bad("PHOTO_INVALID_DIMENSIONS"));
    }
    match format {
        ImageFormat::Jpeg => Ok("image/jpeg"),
        ImageFormat::Png => Ok("image/png"),
        ImageFormat::WebP => Ok("image/webp"),
        _ => Err(failed()),
    }
}
