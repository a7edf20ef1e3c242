//! The auth file: TOML, one `[[caller]]` for each.

use std::collections::HashSet;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Caller, Role};
use crate::{reload::Watched, tls::OF_URIS};

const HASH_BYTES: usize = 32;
const SAN_TAKES: &str =
    "san must be one DNS name or URI (scheme://…), as it stands in the certificate";
/// As long as the names that are read from a certificate.
const MAX_SAN: usize = 256;

/// The SHA-256 of a token.
pub(super) type Hash = [u8; HASH_BYTES];

/// A caller, and how it is known: by any of the tokens, by a name in its certificate, or by both together.
pub(super) struct Known {
    pub(super) caller: Caller,
    pub(super) tokens: Vec<Hash>,
    pub(super) san: Option<String>,
}

/// What is wrong with an auth file.
#[derive(Debug, thiserror::Error)]
pub enum AuthFileError {
    /// It is no TOML, or has keys or roles that don't exist.
    #[error("{file}, line {line}: {message}")]
    Malformed {
        /// The file.
        file: Watched,
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A caller in it makes no sense.
    #[error("{file}, caller {name:?}: {problem}")]
    BadCaller {
        /// The file.
        file: Watched,
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
    token_sha256: Option<Hashes>,
    san: Option<String>,
}

/// One, or two and more while a token is being rotated.
#[derive(Deserialize)]
#[serde(untagged, expecting = "token_sha256 is a string, or a list of strings")]
enum Hashes {
    One(String),
    Several(Vec<String>),
}

/// Reads a file's content. `certificates`: do clients show any? Without, nobody can be known by one.
pub(super) fn parse(
    file: &Watched,
    content: &[u8],
    certificates: bool,
) -> Result<Vec<Known>, AuthFileError> {
    let text = str::from_utf8(content).map_err(|error| AuthFileError::Malformed {
        file: file.clone(),
        line: line_at(content, error.valid_up_to()),
        message: "is not UTF-8".to_owned(),
    })?;
    let parsed: AuthFile = toml::from_str(text).map_err(|error| AuthFileError::Malformed {
        file: file.clone(),
        line: line_at(content, error.span().map_or(0, |span| span.start)),
        // Not the error's Display: that shows the line, hash and all.
        message: error.message().to_owned(),
    })?;
    check(parsed.caller, certificates).map_err(|(name, problem)| AuthFileError::BadCaller {
        file: file.clone(),
        name,
        problem,
    })
}

fn line_at(content: &[u8], place: usize) -> usize {
    content.iter().take(place).filter(|byte| **byte == b'\n').count() + 1
}

fn check(entries: Vec<Entry>, certificates: bool) -> Result<Vec<Known>, (String, &'static str)> {
    if entries.is_empty() {
        return Err((String::new(), "there is none: nobody could call"));
    }
    let mut names = HashSet::new();
    let mut tokens = HashSet::new();
    let mut sans = HashSet::new();
    let mut known = Vec::new();
    for entry in entries {
        let name = entry.name.clone();
        let one = check_one(entry, certificates).map_err(|problem| (name.clone(), problem))?;
        if !names.insert(name.clone()) {
            return Err((name, "the name is used twice"));
        }
        for token in &one.tokens {
            if !tokens.insert(*token) {
                return Err((name, "the token is listed twice, here or as another caller's"));
            }
        }
        if let (Some(san), []) = (&one.san, one.tokens.as_slice())
            && !sans.insert(san.clone())
        {
            return Err((name, "the san is another caller's too, and no token tells them apart"));
        }
        known.push(one);
    }
    Ok(known)
}

fn check_one(entry: Entry, certificates: bool) -> Result<Known, &'static str> {
    if entry.name.is_empty() {
        return Err("the name is empty");
    }
    let hashes = match entry.token_sha256 {
        Some(Hashes::One(hash)) => vec![hash],
        Some(Hashes::Several(hashes)) if hashes.is_empty() => {
            return Err("the list token_sha256 is empty");
        }
        Some(Hashes::Several(hashes)) => hashes,
        None if entry.san.is_none() => return Err("token_sha256 and san are missing: set one"),
        None => Vec::new(),
    };
    let tokens: Option<Vec<Hash>> = hashes.iter().map(|hash| parse_hash(hash)).collect();
    let tokens = tokens
        .ok_or("token_sha256 must be 64 hexadecimal digits (printf %s \"$TOKEN\" | sha256sum)")?;
    let of_nothing: Hash = Sha256::digest([]).into();
    if tokens.contains(&of_nothing) {
        return Err(
            "token_sha256 is that of an empty token: whoever sends none would be this caller",
        );
    }
    let san = entry.san.map(|san| parse_san(&san)).transpose()?;
    if san.is_some() && !certificates {
        return Err("san needs …_TLS_CLIENT_CA: without it no client shows a certificate");
    }
    Ok(Known { caller: Caller { name: entry.name, role: entry.role }, tokens, san })
}

/// As [`crate::tls::names_of`] gives them.
fn parse_san(san: &str) -> Result<String, &'static str> {
    let plain = !san.is_empty() && san.len() <= MAX_SAN;
    if !plain || !san.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*') {
        return Err(SAN_TAKES);
    }
    match san.contains(OF_URIS) {
        true => Ok(san.to_owned()),
        false if san.contains([':', '/']) => Err(SAN_TAKES),
        false => Ok(san.to_ascii_lowercase()),
    }
}

fn parse_hash(hex: &str) -> Option<Hash> {
    if hex.len() != 2 * HASH_BYTES || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; HASH_BYTES];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}
