//! Keeps the state in a folder: `state.json` and one file for each picture or document.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;

use super::World;
use super::chat::State;

/// Changes within this time are written together.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder.join("files"))
            .with_context(|| format!("can't make {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    pub(super) fn load(&self) -> anyhow::Result<State> {
        let path = self.state_path();
        if !path.exists() {
            return Ok(State::default());
        }
        let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; remove it to start afresh", path.display()))
    }

    /// Replaces the file as a whole, so that a kill leaves the old one or the new one.
    pub(super) fn save(&self, state: &State) -> anyhow::Result<()> {
        let (path, fresh) = (self.state_path(), self.folder.join("state.json.new"));
        fs::write(&fresh, serde_json::to_vec(state)?)
            .with_context(|| format!("can't write {}", fresh.display()))?;
        fs::rename(&fresh, &path).with_context(|| format!("can't write {}", path.display()))
    }

    pub(super) fn write_file(&self, file_id: &str, bytes: &[u8]) -> std::io::Result<()> {
        fs::write(self.folder.join("files").join(file_id), bytes)
    }

    pub(super) fn read_file(&self, file_id: &str) -> Option<Bytes> {
        fs::read(self.folder.join("files").join(file_id)).ok().map(Bytes::from)
    }

    fn state_path(&self) -> PathBuf {
        self.folder.join("state.json")
    }
}

/// Saves after changes until its task is ended.
pub(super) async fn keep(world: Arc<World>) {
    let mut changes = world.version.subscribe();
    while changes.changed().await.is_ok() {
        tokio::time::sleep(PAUSE).await;
        changes.mark_unchanged();
        if let Some(disk) = &world.disk
            && let Err(error) = disk.save(&world.state())
        {
            tracing::error!("the chats were not saved: {error:#}");
        }
    }
}
