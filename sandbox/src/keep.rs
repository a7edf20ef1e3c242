//! A stand-in's state: shared by its routes and its control side, watched, and kept on the disk where it shall survive.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

/// Changes within this time are written together.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(crate) struct Keep<S> {
    state: Mutex<S>,
    version: watch::Sender<u64>,
    path: Option<PathBuf>,
}

impl<S: Default + Serialize + DeserializeOwned> Keep<S> {
    /// In memory only.
    pub(crate) fn fresh() -> Self {
        Self { state: Mutex::default(), version: watch::Sender::new(0), path: None }
    }

    /// In `folder/state.json`, which is made when missing.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        let path = folder.join("state.json");
        let state = if path.exists() {
            let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
            serde_json::from_slice(&text).with_context(|| {
                format!("{} is damaged; remove it to start afresh", path.display())
            })?
        } else {
            S::default()
        };
        Ok(Self { state: Mutex::new(state), version: watch::Sender::new(0), path: Some(path) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells whoever waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.state());
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Changes with everything that happens.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Waits until there is an answer, and gives it.
    pub(crate) async fn until<T>(&self, mut ask: impl FnMut(&S) -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(answer) = ask(&self.state()) {
                return answer;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Replaces the file as a whole, so that a kill leaves the old one or the new one; does nothing in memory.
    pub(crate) fn flush(&self) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let fresh = path.with_extension("json.new");
        let text = serde_json::to_vec(&*self.state())?;
        fs::write(&fresh, text).with_context(|| format!("can't write {}", fresh.display()))?;
        fs::rename(&fresh, path).with_context(|| format!("can't write {}", path.display()))
    }

    /// Saves after changes until its task is ended.
    pub(crate) async fn save(self: Arc<Self>) {
        let mut changes = self.changes();
        while changes.changed().await.is_ok() {
            tokio::time::sleep(PAUSE).await;
            changes.mark_unchanged();
            if let Err(error) = self.flush() {
                tracing::error!("a stand-in's state was not saved: {error:#}");
            }
        }
    }
}
