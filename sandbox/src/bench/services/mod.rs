//! bot-gateway and image-worker as real processes, with billing-svc, between stand-ins that answer at once: how much they
//! take, how fast they get it done, and what of the machine that takes.
//!
//! Both are bounded in number and end by themselves. Where nothing moves for [`STALL`] the measurement is an error that
//! says how far it came, with the service's log.

mod command;
mod gateway;
mod telling;
mod usage;
mod worker;

use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

pub use command::ServicesArgs;
pub use gateway::{Gateway, gateway};
pub use usage::Usage;
pub use worker::{Worker, worker};

use super::servers::Postgres;
use crate::system::{Builder, Service, System};

/// How long nothing may move.
pub const STALL: Duration = Duration::from_secs(20);

/// Where the three services keep what they know: databases that are empty.
#[derive(Debug, Clone)]
pub struct Databases {
    kind: Kind,
    urls: [(Service, SecretString); 3],
}

/// Which of them, in results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// SQLite, one file a service.
    Sqlite,
    /// PostgreSQL, one server.
    Postgres,
}

impl Kind {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Databases {
    /// Files in a folder, whose names begin with `name`.
    pub fn sqlite(folder: &Path, name: &str) -> Self {
        let urls = Service::ALL.map(|service| {
            let file = folder.join(format!("{name}-{}.db", service.program()));
            (service, format!("sqlite://{}?mode=rwc", file.display()).into())
        });
        Self { kind: Kind::Sqlite, urls }
    }

    /// Databases on a server, which are made; their names begin with `name`.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn postgres(server: &Postgres, name: &str) -> anyhow::Result<Self> {
        let names = Service::ALL.map(|service| (service, format!("{name}-{}", service.program())));
        for (_, name) in &names {
            server.create(name, None).await?;
        }
        let urls = names.map(|(service, name)| (service, server.url(&name)));
        Ok(Self { kind: Kind::Postgres, urls })
    }

    /// A system on them.
    fn system(&self) -> Builder {
        self.urls.iter().fold(System::builder(), |builder, (service, url)| {
            let prefix = service.prefix();
            builder
                .setting(&format!("{prefix}_DATABASE_URL"), url.expose_secret())
                .setting(&format!("{prefix}_MIGRATE"), "auto")
        })
    }
}
