//! Pictures, in an object store: a folder by default, S3 in production.
//!
//! `inputs/<user>/<sha-256 of the bytes>`: an input's id is its content, so uploading it again, after whatever failure,
//! answers the same id. `results/<operation>/<index>`. An object is there whole or not at all; nothing is renamed.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use url::Url;

use crate::clock::Time;

/// Why there is no object store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `file://` nor `s3://`.
    #[error("a URL of an object store is file://folder or s3://bucket/prefix")]
    Url,
    /// The folder can't be made.
    #[error("the folder {folder} can't be made")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store refused its configuration.
    #[error("the object store can't be set up")]
    Store(#[source] Error),
}

/// What kept a picture from being stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such picture, or it was deleted.
    #[error("no such picture")]
    NotFound,
    /// The store did not do it; it may later.
    #[error("the object store did not answer as it should")]
    Unavailable(#[source] Error),
}

impl From<Error> for BlobError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { .. } => Self::NotFound,
            other => Self::Unavailable(other),
        }
    }
}

/// The pictures of all jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// The store at `url`: `file://folder` (relative ones too; made if it is not there) or `s3://bucket/prefix` with
    /// the usual `AWS_*` variables.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        if let Some(folder) = url.strip_prefix("file://").filter(|folder| !folder.is_empty()) {
            let folder = PathBuf::from(folder);
            std::fs::create_dir_all(&folder)
                .map_err(|source| OpenError::Folder { folder: folder.clone(), source })?;
            let store = LocalFileSystem::new_with_prefix(&folder).map_err(OpenError::Store)?;
            // A job is durable when SubmitJob answers, and so are its inputs.
            return Ok(Self(Arc::new(store.with_fsync(true))));
        }
        let parsed = Url::parse(url).ok().filter(|url| url.scheme() == "s3" && url.has_host());
        let Some(parsed) = parsed else { return Err(OpenError::Url) };
        let store = AmazonS3Builder::from_env().with_url(url).build().map_err(OpenError::Store)?;
        let prefix = parsed.path().trim_matches('/').to_owned();
        if prefix.is_empty() {
            return Ok(Self(Arc::new(store)));
        }
        Ok(Self(Arc::new(PrefixStore::new(store, prefix))))
    }

    /// Keeps an input and answers its id.
    pub async fn put_input(&self, user_id: &str, bytes: Bytes) -> Result<String, BlobError> {
        let digest = Sha256::digest(&bytes);
        let id = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.0.put(&input_path(user_id, &id), PutPayload::from(bytes)).await?;
        Ok(id)
    }

    /// When this user's input was last uploaded.
    pub async fn input_time(&self, user_id: &str, input_id: &str) -> Result<Time, BlobError> {
        let meta = self.0.head(&input_path(user_id, input_id)).await?;
        Ok(Time(meta.last_modified.timestamp_micros()))
    }

    /// This user's input.
    pub async fn input(&self, user_id: &str, input_id: &str) -> Result<Bytes, BlobError> {
        Ok(self.0.get(&input_path(user_id, input_id)).await?.bytes().await?)
    }

    /// Keeps one picture of a result.
    pub async fn put_result(
        &self,
        operation_id: &str,
        index: usize,
        bytes: Bytes,
    ) -> Result<(), BlobError> {
        self.0.put(&result_path(operation_id, index), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// The size of one picture of a result, in bytes.
    pub async fn result_size(&self, operation_id: &str, index: usize) -> Result<u64, BlobError> {
        Ok(self.0.head(&result_path(operation_id, index)).await?.size)
    }

    /// A part of one picture of a result.
    pub async fn result_part(
        &self,
        operation_id: &str,
        index: usize,
        range: Range<u64>,
    ) -> Result<Bytes, BlobError> {
        Ok(self.0.get_range(&result_path(operation_id, index), range).await?)
    }

    /// Deletes all pictures of a result.
    pub async fn delete_results(&self, operation_id: &str) -> Result<(), BlobError> {
        let folder = Path::from_iter(["results", operation_id]);
        let found: Vec<Path> =
            self.0.list(Some(&folder)).map_ok(|meta| meta.location).try_collect().await?;
        for path in found {
            self.delete(&path).await?;
        }
        Ok(())
    }

    /// Deletes the inputs that were last uploaded before `before`, and answers how many.
    pub async fn delete_inputs(&self, before: Time) -> Result<u64, BlobError> {
        let mut deleted = 0;
        for path in self.older(&Path::from("inputs"), before).await? {
            self.delete(&path).await?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// The operations with pictures that were stored before `before`.
    pub async fn old_results(&self, before: Time) -> Result<Vec<String>, BlobError> {
        let paths = self.older(&Path::from("results"), before).await?;
        let mut operations: Vec<String> = paths
            .iter()
            .filter_map(|path| path.parts().nth(1).map(|part| part.as_ref().to_owned()))
            .collect();
        operations.sort();
        operations.dedup();
        Ok(operations)
    }

    async fn older(&self, folder: &Path, before: Time) -> Result<Vec<Path>, BlobError> {
        let old =
            |meta: &object_store::ObjectMeta| meta.last_modified.timestamp_micros() < before.0;
        let listed = self.0.list(Some(folder));
        let found = listed.try_filter(|meta| std::future::ready(old(meta)));
        Ok(found.map_ok(|meta| meta.location).boxed().try_collect().await?)
    }

    async fn delete(&self, path: &Path) -> Result<(), BlobError> {
        match self.0.delete(path).await.map_err(BlobError::from) {
            Ok(()) | Err(BlobError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// `Path` escapes what is special in a part, so no user id leads out of its folder.
fn input_path(user_id: &str, input_id: &str) -> Path {
    Path::from_iter(["inputs", user_id, input_id])
}

fn result_path(operation_id: &str, index: usize) -> Path {
    let index = index.to_string();
    Path::from_iter(["results", operation_id, index.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_input_is_its_content_and_belongs_to_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&format!("file://{}", folder.path().display())).unwrap();
        let bytes = Bytes::from_static(b"a picture");
        let id = blobs.put_input("tg:1", bytes.clone()).await.unwrap();
        assert_eq!(blobs.put_input("tg:1", bytes.clone()).await.unwrap(), id);
        assert_eq!(blobs.input("tg:1", &id).await.unwrap(), bytes);
        for stranger in ["tg:2", "..", "."] {
            assert!(matches!(blobs.input(stranger, &id).await, Err(BlobError::NotFound)));
        }
    }

    #[tokio::test]
    async fn old_pictures_are_found_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&format!("file://{}", folder.path().display())).unwrap();
        let id = blobs.put_input("tg:1", Bytes::from_static(b"a picture")).await.unwrap();
        blobs.put_result("operation", 0, Bytes::from_static(b"0")).await.unwrap();
        blobs.put_result("operation", 1, Bytes::from_static(b"1")).await.unwrap();

        let (past, future) = (Time(0), Time(i64::MAX));
        assert_eq!(blobs.delete_inputs(past).await.unwrap(), 0);
        assert!(blobs.old_results(past).await.unwrap().is_empty());
        assert_eq!(blobs.old_results(future).await.unwrap(), ["operation"]);
        assert_eq!(blobs.delete_inputs(future).await.unwrap(), 1);
        assert!(matches!(blobs.input_time("tg:1", &id).await, Err(BlobError::NotFound)));
        blobs.delete_results("operation").await.unwrap();
        assert!(matches!(blobs.result_size("operation", 0).await, Err(BlobError::NotFound)));
    }

    #[test]
    fn only_folders_and_buckets_are_stores() {
        for wrong in ["data/blobs", "file://", "http://example.com", "s3://", ""] {
            assert!(Blobs::open(wrong).is_err(), "{wrong}");
        }
    }
}
