//! Whose token, whose certificate is it?

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

use super::roster::{self, AuthFileError, Hash, Known};
use super::{Caller, Role};
use crate::reload::{Live, LoadError, Watched};

/// All who may call, as the file has them now. Cheap to clone.
#[derive(Clone)]
pub struct Callers {
    /// None: there is no file.
    known: Option<Live<Vec<Known>, AuthFileError>>,
}

/// What a request says about who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Absent,
    Sent(&'a str),
    /// There is an `authorization`, and it is no bearer token.
    Unreadable,
}

/// Why somebody is not let in; for the log only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stranger {
    #[error("no token, and no certificate")]
    Nothing,
    #[error("the authorization is no bearer token")]
    NoToken,
    #[error("the token is nobody's")]
    UnknownToken,
    #[error("the certificate is nobody's, and there is no token")]
    UnknownCertificate,
    #[error("the certificate is that of several callers, and there is no token")]
    AnyOfSeveral,
    #[error("the certificate is {caller:?}'s, and the token that it needs too is missing")]
    TokenMissing { caller: String },
    #[error("the token is {caller:?}'s, and the certificate that it needs too is not")]
    OtherCertificate { caller: String },
}

impl Callers {
    /// Everyone is the admin `local`.
    pub fn local() -> Self {
        Self { known: None }
    }

    /// Those of the file. `certificates`: do clients show any?
    ///
    /// # Errors
    /// It can't be read, or makes no sense.
    pub fn load(file: Watched, certificates: bool) -> Result<Self, LoadError<AuthFileError>> {
        let make = move |file: &Watched, contents: &[Vec<u8>]| {
            let content = contents.first().map_or(&[][..], Vec::as_slice);
            roster::parse(file, content, certificates)
        };
        let named = file.clone();
        let known = Live::load(vec![file], move |contents| make(&named, contents))?;
        Ok(Self { known: Some(known) })
    }

    /// Is there a file?
    pub fn has_file(&self) -> bool {
        self.known.is_some()
    }

    /// Looks at the file until `stop`.
    pub async fn follow(self, stop: CancellationToken) {
        if let Some(known) = self.known {
            known.follow(stop).await;
        }
    }

    /// Who is it? `names` are those of the certificate. A token that was sent decides; without one, the certificate alone.
    pub(super) fn find(&self, token: Token<'_>, names: &[String]) -> Result<Caller, Stranger> {
        let Some(known) = &self.known else {
            return Ok(Caller { name: "local".to_owned(), role: Role::Admin });
        };
        let known = known.current();
        match token {
            Token::Sent(token) => by_token(&known, token, names),
            Token::Unreadable => Err(Stranger::NoToken),
            Token::Absent if names.is_empty() => Err(Stranger::Nothing),
            Token::Absent => by_certificate(&known, names),
        }
    }
}

fn by_token(known: &[Known], token: &str, names: &[String]) -> Result<Caller, Stranger> {
    let one = owner(known, token).ok_or(Stranger::UnknownToken)?;
    match &one.san {
        Some(san) if !names.contains(san) => {
            Err(Stranger::OtherCertificate { caller: one.caller.name.clone() })
        }
        Some(_) | None => Ok(one.caller.clone()),
    }
}

/// Takes as long for a near miss as for any other.
fn owner<'a>(known: &'a [Known], token: &str) -> Option<&'a Known> {
    let hash: Hash = Sha256::digest(token.as_bytes()).into();
    let mut found = u64::MAX;
    for (index, one) in (0u64..).zip(known) {
        for listed in &one.tokens {
            let same: Choice = listed.ct_eq(&hash);
            found.conditional_assign(&index, same);
        }
    }
    known.get(usize::try_from(found).ok()?)
}

fn by_certificate(known: &[Known], names: &[String]) -> Result<Caller, Stranger> {
    let named = |one: &&Known| one.san.as_ref().is_some_and(|san| names.contains(san));
    let mut alone = known.iter().filter(named).filter(|one| one.tokens.is_empty());
    match (alone.next(), alone.next()) {
        (Some(one), None) => Ok(one.caller.clone()),
        (Some(_), Some(_)) => Err(Stranger::AnyOfSeveral),
        (None, _) => Err(known.iter().find(named).map_or(Stranger::UnknownCertificate, |one| {
            Stranger::TokenMissing { caller: one.caller.name.clone() }
        })),
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.as_ref().map(Live::current);
        let names = known.iter().flat_map(|known| known.iter());
        f.debug_list().entries(names.map(|one| &one.caller)).finish()
    }
}
