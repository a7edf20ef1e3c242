//! The auth file: TOML, one `[[caller]]` for each.

use std::{
    collections::HashSet,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{Caller, Role};

const HASH_BYTES: usize = 32;

/// All who may call. Cheap to clone.
#[derive(Clone)]
pub struct Callers {
    /// None: there is no file.
    known: Option<Arc<[Known]>>,
}

struct Known {
    caller: Caller,
    token: [u8; HASH_BYTES],
}

/// What is wrong with an auth file.
#[derive(Debug, thiserror::Error)]
pub enum AuthFileError {
    /// It can't be read.
    #[error("auth file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML, or has keys or roles that don't exist.
    #[error("auth file {path}, line {line}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A caller in it makes no sense.
    #[error("auth file {path}, caller {name:?}: {problem}")]
    BadCaller {
        /// The file.
        path: PathBuf,
        /// The caller's name, or its place.
        name: String,
        /// What to mend.
        problem: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthFile {
    #[serde(default)]
    caller: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    role: Role,
    token_sha256: Option<String>,
    /// Of the caller's certificate. Accepted so that one file fits all releases; nobody is known by it yet.
    san: Option<String>,
}

impl Callers {
    /// Those of the file; without one, everyone is the admin `local`.
    pub fn load(path: Option<&Path>) -> Result<Self, AuthFileError> {
        let Some(path) = path else {
            return Ok(Self { known: None });
        };
        let text = fs::read_to_string(path)
            .map_err(|source| AuthFileError::Unreadable { path: path.to_owned(), source })?;
        let file: AuthFile =
            toml::from_str(&text).map_err(|error| malformed(path, &text, &error))?;
        let known = check(file.caller).map_err(|(name, problem)| AuthFileError::BadCaller {
            path: path.to_owned(),
            name,
            problem,
        })?;
        Ok(Self { known: Some(known.into()) })
    }

    /// Is there a file?
    pub fn has_file(&self) -> bool {
        self.known.is_some()
    }

    /// Whose token is it? Takes as long for a near miss as for any other.
    pub(super) fn find(&self, token: Option<&str>) -> Option<Caller> {
        let Some(known) = &self.known else {
            return Some(Caller { name: "local".to_owned(), role: Role::Admin });
        };
        let hash: [u8; HASH_BYTES] = Sha256::digest(token?.as_bytes()).into();
        let mut found = u64::MAX;
        for (index, one) in (0u64..).zip(known.iter()) {
            let same: Choice = one.token.ct_eq(&hash);
            found.conditional_assign(&index, same);
        }
        let index = usize::try_from(found).ok()?;
        known.get(index).map(|one| one.caller.clone())
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.known.iter().flat_map(|known| known.iter());
        f.debug_list().entries(names.map(|one| &one.caller)).finish()
    }
}

fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> AuthFileError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    AuthFileError::Malformed {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        // Not the error's Display: that shows the line, hash and all.
        message: error.message().to_owned(),
    }
}

fn check(entries: Vec<Entry>) -> Result<Vec<Known>, (String, &'static str)> {
    if entries.is_empty() {
        return Err((String::new(), "there is none: nobody could call"));
    }
    let mut names = HashSet::new();
    let mut tokens = HashSet::new();
    let mut known = Vec::new();
    for entry in entries {
        let name = entry.name.clone();
        let one = check_one(entry).map_err(|problem| (name.clone(), problem))?;
        if !names.insert(name.clone()) {
            return Err((name, "the name is used twice"));
        }
        if !tokens.insert(one.token) {
            return Err((name, "the token is another caller's too"));
        }
        known.push(one);
    }
    Ok(known)
}

fn check_one(entry: Entry) -> Result<Known, &'static str> {
    if entry.name.is_empty() {
        return Err("the name is empty");
    }
    let Some(hex) = entry.token_sha256 else {
        return Err(match entry.san {
            Some(_) => {
                "token_sha256 is missing: callers are not known by certificate in this release"
            }
            None => "token_sha256 is missing",
        });
    };
    let token = parse_hash(&hex)
        .ok_or("token_sha256 must be 64 hexadecimal digits (printf %s \"$TOKEN\" | sha256sum)")?;
    Ok(Known { caller: Caller { name: entry.name, role: entry.role }, token })
}

fn parse_hash(hex: &str) -> Option<[u8; HASH_BYTES]> {
    if hex.len() != 2 * HASH_BYTES || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; HASH_BYTES];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}
