//! The folder in which everything happens: on a disk, with room enough, gone at the end.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use tempfile::TempDir;

/// Where it is made unless TMPDIR names a place: often a disk where /tmp is memory.
const PLACE: &str = "/var/tmp";
const GIB: u64 = 1 << 30;

/// Dropping it removes it with all that is in it.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    /// Makes it where `gib` GiB are free: in TMPDIR where that is set, else in /var/tmp.
    ///
    /// # Errors
    /// There is less room, it is no disk but memory, or it can't be written.
    pub fn new(gib: u64) -> anyhow::Result<Self> {
        let place = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from(PLACE), PathBuf::from);
        let about = statfs(&place).with_context(|| format!("what is {}?", place.display()))?;
        if about.filesystem_type() == TMPFS_MAGIC {
            bail!(
                "{} is memory, and a commit to it costs nothing: set TMPDIR to a folder on a disk",
                place.display()
            );
        }
        let block = u64::try_from(about.block_size()).unwrap_or(0);
        let free = about.blocks_available().saturating_mul(block) / GIB;
        if free < gib {
            bail!(
                "{} has {free} GiB free, and {gib} GiB are needed: set TMPDIR to a folder with more room, or measure less \
                 with --quick or --only",
                place.display()
            );
        }
        let folder = tempfile::Builder::new().prefix("kopilka-bench-").tempdir_in(&place);
        let folder = folder.with_context(|| format!("can't write in {}", place.display()))?;
        // PostgreSQL may run as another user: it passes through to its own folder, and sees no other.
        let passable = Permissions::from_mode(0o711);
        std::fs::set_permissions(folder.path(), passable).context("a temporary folder")?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
