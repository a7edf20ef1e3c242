//! What is measured over and over: who is called, what, for which users, how many at once.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::bench::load::{Call, Spread};
use crate::bench::servers::baseline::Kind;

/// Where the books are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database of billing-svc before the first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Books {
    /// Where they are kept.
    pub engine: Engine,
    /// Past operations.
    pub operations: u64,
    /// Grants of each user.
    pub grants: u32,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// That many instances of billing-svc on one database.
    Kopilka(Books, u32),
    /// A server to compare with.
    Baseline(Kind),
    /// The statements of the one-transaction service without a service.
    Pgbench,
    /// One connection to SQLite that commits one row after the other.
    Commits,
}

/// An empty history on PostgreSQL, one instance: what most measurements are of.
pub const POSTGRES: Subject =
    Subject::Kopilka(Books { engine: Engine::Postgres, operations: 0, grants: 0 }, 1);
/// The same on SQLite.
pub const SQLITE: Subject =
    Subject::Kopilka(Books { engine: Engine::Sqlite, operations: 0, grants: 0 }, 1);
/// Three instances on one PostgreSQL.
pub const POSTGRES_3: Subject =
    Subject::Kopilka(Books { engine: Engine::Postgres, operations: 0, grants: 0 }, 3);
/// What a good engineer would write first.
pub const ONE_TRANSACTION: Subject = Subject::Baseline(Kind::OneTransaction);
/// The ceiling.
pub const ECHO: Subject = Subject::Baseline(Kind::Echo);

impl Subject {
    /// billing-svc with a past.
    pub const fn with_history(engine: Engine, operations: u64) -> Self {
        Self::Kopilka(Books { engine, operations, grants: 0 }, 1)
    }

    /// billing-svc whose users have grants.
    pub const fn with_grants(engine: Engine, grants: u32) -> Self {
        Self::Kopilka(Books { engine, operations: 0, grants }, 1)
    }

    /// Does it need PostgreSQL?
    pub fn on_postgres(self) -> bool {
        match self {
            Self::Kopilka(books, _) => books.engine == Engine::Postgres,
            Self::Baseline(Kind::OneTransaction) | Self::Pgbench => true,
            Self::Baseline(Kind::Echo) | Self::Commits => false,
        }
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "pg",
        })?;
        match self.operations {
            0 => {}
            many if many % 1_000_000 == 0 => write!(f, "-{}m", many / 1_000_000)?,
            some => write!(f, "-{some}")?,
        }
        if self.grants > 0 {
            write!(f, "-{}grants", self.grants)?;
        }
        Ok(())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kopilka(books, 1) => write!(f, "kopilka-{books}"),
            Self::Kopilka(books, instances) => write!(f, "kopilka-{books}-x{instances}"),
            Self::Baseline(kind) => f.write_str(kind.name()),
            Self::Pgbench => f.write_str("pgbench"),
            Self::Commits => f.write_str("sqlite-commits"),
        }
    }
}

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Series {
    /// Who.
    pub subject: Subject,
    /// What is called.
    pub call: Call,
    /// For whom.
    pub spread: Spread,
    /// How many at once, in a closed loop.
    pub in_flight: usize,
}

impl Series {
    /// Charges for everybody alike.
    pub const fn charge(subject: Subject, in_flight: usize) -> Self {
        Self::call(subject, Call::Charge, in_flight)
    }

    /// A call for everybody alike.
    pub const fn call(subject: Subject, call: Call, in_flight: usize) -> Self {
        Self { subject, call, spread: Spread::Uniform, in_flight }
    }

    /// Charges for some more than for others.
    pub const fn spread(subject: Subject, spread: Spread, in_flight: usize) -> Self {
        Self { subject, call: Call::Charge, spread, in_flight }
    }
}

/// As it stands in every table and file, e.g. `kopilka-pg charge uniform 64`.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = match self.spread {
            Spread::Uniform => "uniform",
            Spread::Zipf => "zipf",
            Spread::One => "one",
        };
        write!(f, "{} {} {spread} {}", self.subject, self.call.name(), self.in_flight)
    }
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_told_by_its_name() {
        let names = [
            (Series::charge(POSTGRES, 64), "kopilka-pg charge uniform 64"),
            (Series::charge(POSTGRES_3, 256), "kopilka-pg-x3 charge uniform 256"),
            (Series::spread(SQLITE, Spread::One, 16), "kopilka-sqlite charge one 16"),
            (Series::call(ECHO, Call::GetUserInfo, 64), "echo get-user-info uniform 64"),
            (
                Series::charge(Subject::with_history(Engine::Postgres, 10_000_000), 64),
                "kopilka-pg-10m charge uniform 64",
            ),
            (
                Series::charge(Subject::with_grants(Engine::Sqlite, 20), 64),
                "kopilka-sqlite-20grants charge uniform 64",
            ),
            (Series::charge(Subject::Commits, 1), "sqlite-commits charge uniform 1"),
        ];
        for (series, name) in names {
            assert_eq!(series.to_string(), name);
        }
    }
}
