//! Values made of files, remade when the files' content changes: a certificate is rotated without a restart.
//!
//! The files are looked at every [`POLL`], by content, because Kubernetes swaps a symbolic link far above the file. New content
//! counts once two looks in a row saw it, so that files that are being written, or a certificate whose key is still to come, are
//! left alone. Content that makes no sense changes nothing: the value stays, and the log and
//! `config_reloads_total{file, result="ok|failed"}` (`file` is the variable that names it) tell it, once.

use std::{
    fmt::{self, Display},
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
pub const POLL: Duration = Duration::from_secs(1);
/// No file of ours is larger; reading stops there.
pub const MAX_BYTES: u64 = 1 << 20;

/// A file that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The variable that names it, for logs and metrics.
    pub variable: String,
    /// Where it is.
    pub path: PathBuf,
}

impl Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.path.display())
    }
}

/// Why there is no first value.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E> {
    /// A file can't be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// Which.
        file: Watched,
        /// Why.
        source: io::Error,
    },
    /// Their content makes no sense.
    #[error("{0}")]
    Wrong(E),
}

type Make<T, E> = dyn Fn(&[Vec<u8>]) -> Result<T, E> + Send + Sync;

/// The newest value that could be made of the files. Cheap to clone.
pub struct Live<T, E> {
    shared: Arc<Shared<T, E>>,
}

struct Shared<T, E> {
    files: Vec<Watched>,
    make: Box<Make<T, E>>,
    current: watch::Sender<Arc<T>>,
    /// Of what the first value was made of.
    first: Look,
}

/// What a look at the files saw: a fingerprint of each (the content itself may be a private key), none of one that can't
/// be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look(Vec<Option<[u8; 32]>>);

impl<T, E: Display> Live<T, E> {
    /// Reads the files and makes the first value; `make` gets their contents in the same order. Its error must hold no secret: it is
    /// logged.
    ///
    /// # Errors
    /// A file can't be read, or `make` refuses.
    pub fn load(
        files: Vec<Watched>,
        make: impl Fn(&[Vec<u8>]) -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, LoadError<E>> {
        let mut contents = Vec::new();
        for file in &files {
            let content = read(file)
                .map_err(|source| LoadError::Unreadable { file: file.clone(), source })?;
            contents.push(content);
        }
        let first = Look(contents.iter().map(|content| Some(fingerprint(content))).collect());
        let value = make(&contents).map_err(LoadError::Wrong)?;
        let (current, _) = watch::channel(Arc::new(value));
        Ok(Self { shared: Arc::new(Shared { files, make: Box::new(make), current, first }) })
    }

    /// The value as it is now.
    pub fn current(&self) -> Arc<T> {
        self.shared.current.borrow().clone()
    }

    /// Looks at the files until `stop`. Without this running the first value stays.
    pub async fn follow(self, stop: CancellationToken)
    where
        T: Send + Sync + 'static,
        E: 'static,
    {
        let mut tried = self.shared.first.clone();
        let mut seen = tried.clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => return,
            }
            let shared = self.shared.clone();
            let read = move || shared.files.iter().map(read).collect();
            let Ok(contents) = tokio::task::spawn_blocking(read).await else {
                tracing::error!("files can't be looked at; trying again");
                continue;
            };
            let now = Look::at(&contents);
            if now != tried && now == seen {
                self.shared.remake(&now.changed(&tried, &self.shared.files), contents);
                tried = now.clone();
            }
            seen = now;
        }
    }
}

type Contents = Vec<io::Result<Vec<u8>>>;

impl Look {
    fn at(contents: &Contents) -> Self {
        let one = |content: &io::Result<Vec<u8>>| content.as_ref().ok().map(|c| fingerprint(c));
        Self(contents.iter().map(one).collect())
    }

    /// Which files are not as in `before`.
    fn changed<'a>(&self, before: &Self, files: &'a [Watched]) -> Vec<&'a Watched> {
        let pairs = files.iter().zip(self.0.iter().zip(&before.0));
        pairs.filter(|(_, (now, before))| now != before).map(|(file, _)| file).collect()
    }
}

impl<T, E: Display> Shared<T, E> {
    fn remake(&self, changed: &[&Watched], contents: Contents) {
        let files: Vec<&str> = changed.iter().map(|file| file.variable.as_str()).collect();
        let read: io::Result<Vec<Vec<u8>>> = contents.into_iter().collect();
        let made = read
            .map_err(|error| error.to_string())
            .and_then(|contents| (self.make)(&contents).map_err(|error| error.to_string()));
        let result = match made {
            Ok(value) => {
                self.current.send_replace(Arc::new(value));
                tracing::info!(?files, "changed and taken over");
                "ok"
            }
            Err(error) => {
                tracing::error!(
                    ?files,
                    error,
                    "changed and can't be used: what was there before stays"
                );
                "failed"
            }
        };
        for file in changed {
            metrics::counter!("config_reloads_total", "file" => file.variable.clone(), "result" => result)
                .increment(1);
        }
    }
}

impl<T, E> Clone for Live<T, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T, E> fmt::Debug for Live<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("files", &self.shared.files).finish_non_exhaustive()
    }
}

fn read(file: &Watched) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(&file.path)?.take(MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(content)
}

fn fingerprint(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}
