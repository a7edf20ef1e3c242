//! Callers, their file and the layer before a server's services.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
};

use http::{Request, Response, header::AUTHORIZATION};
use service_kit::{
    auth::{AuthFileError, AuthLayer, Caller, Callers, Role},
    reload::{LoadError, Watched},
};
use sha2::{Digest, Sha256};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt;
use tower::{Layer, ServiceExt, service_fn};

use crate::guarded::Log;

const CHARGE: &str = "/billing.v1.BillingService/Charge";

/// `name role token` of each caller, as a file.
fn file(callers: &[(&str, &str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let entry = |(name, role, token): &(&str, &str, &str)| {
        let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("[[caller]]\nname = {name:?}\nrole = {role:?}\ntoken_sha256 = {hash:?}\n")
    };
    write(&callers.iter().map(entry).collect::<String>())
}

fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(path: &Path) -> Result<Callers, LoadError<AuthFileError>> {
    let file = Watched { variable: "TEST_AUTH_FILE".to_owned(), path: path.to_owned() };
    Callers::load(file, false)
}

fn rule(role: Role, path: &str) -> bool {
    role == Role::Admin || (role == Role::Gateway && path == CHARGE)
}

/// Calls `path` with that authorization header: the caller whom the service saw, or the refusal.
async fn call(
    callers: &Callers,
    path: &str,
    authorization: Option<&str>,
) -> Result<Option<Caller>, Status> {
    let inner = service_fn(|request: Request<Body>| async move {
        let mut response = Response::new(Body::empty());
        if let Some(caller) = request.extensions().get::<Caller>() {
            response.extensions_mut().insert(caller.clone());
        }
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::builder().uri(format!("http://host{path}"));
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    let service = AuthLayer::new(callers.clone(), rule, "test.kopilka").layer(inner);
    let response = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    match Status::from_header_map(response.headers()) {
        Some(status) => Err(status),
        None => Ok(response.extensions().get::<Caller>().cloned()),
    }
}

fn assert_refused(answer: Result<Option<Caller>, Status>, code: Code, reason: &str) {
    let status = answer.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (status.code(), info.reason.as_str(), info.domain.as_str()),
        (code, reason, "test.kopilka")
    );
}

#[tokio::test]
async fn a_token_says_who_calls() {
    let (_folder, path) =
        file(&[("bot", "gateway", "t-1"), ("images", "worker", "t-2"), ("ops", "admin", "t-3")]);
    let callers = load(&path).unwrap();
    assert!(callers.has_file());
    let bot = Caller { name: "bot".to_owned(), role: Role::Gateway };
    for header in ["Bearer t-1", "bearer t-1"] {
        assert_eq!(call(&callers, CHARGE, Some(header)).await.unwrap(), Some(bot.clone()));
    }
    let ops = Caller { name: "ops".to_owned(), role: Role::Admin };
    assert_eq!(call(&callers, "/any.Service/Thing", Some("Bearer t-3")).await.unwrap(), Some(ops));
}

#[tokio::test]
async fn everyone_else_is_refused_with_a_reason() {
    let (_folder, path) = file(&[("bot", "gateway", "t-1"), ("images", "worker", "t-2")]);
    let callers = load(&path).unwrap();
    let (_lists, path) = write(&format!(
        "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\ntoken_sha256 = [{:?}, {:?}]\n",
        crate::guarded::hash("t-1"),
        crate::guarded::hash("t-3"),
    ));
    let rotating = load(&path).unwrap();
    for token in ["Bearer t-1", "Bearer t-3"] {
        assert_eq!(call(&rotating, CHARGE, Some(token)).await.unwrap().unwrap().name, "bot");
    }
    for header in [
        None,
        Some("Bearer t-9"),
        Some("Bearer "),
        Some("Bearer"),
        Some("t-1"),
        Some("Basic t-1"),
        Some("Bearer t-1x"),
    ] {
        assert_refused(
            call(&callers, CHARGE, header).await,
            Code::Unauthenticated,
            "UNAUTHENTICATED",
        );
    }
    assert_refused(
        call(&callers, CHARGE, Some("Bearer t-2")).await,
        Code::PermissionDenied,
        "FORBIDDEN",
    );
    let complete = "/billing.v1.BillingService/Complete";
    assert_refused(
        call(&callers, complete, Some("Bearer t-1")).await,
        Code::PermissionDenied,
        "FORBIDDEN",
    );
}

#[tokio::test]
async fn a_stranger_can_not_fill_the_log() {
    let (_folder, path) = file(&[("bot", "gateway", "t-bot")]);
    let (log, _open) = Log::open();
    let long = format!("/{}", "x".repeat(16_000));
    assert_refused(
        call(&load(&path).unwrap(), &long, None).await,
        Code::Unauthenticated,
        "UNAUTHENTICATED",
    );
    let said = log.text();
    assert!(said.contains("unknown caller") && said.len() < 1000, "{} bytes", said.len());
}

#[tokio::test]
async fn health_and_reflection_are_open_and_nothing_that_looks_like_them() {
    let (_folder, path) = file(&[("bot", "gateway", "t-1")]);
    let callers = load(&path).unwrap();
    for path in [
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        assert_eq!(call(&callers, path, None).await.unwrap(), None);
    }
    let look_alike = call(&callers, "/grpc.health.v1.HealthAdmin/Set", None).await;
    assert_refused(look_alike, Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn without_a_file_everyone_is_the_local_admin() {
    let callers = Callers::local();
    assert!(!callers.has_file());
    let local = Caller { name: "local".to_owned(), role: Role::Admin };
    assert_eq!(call(&callers, CHARGE, None).await.unwrap(), Some(local));
}

#[test]
fn a_bad_file_is_refused_in_words_that_help() {
    let hash = "a".repeat(64);
    let other = "b".repeat(64);
    let caller = |name: &str, role: &str, hash: &str| {
        format!("[[caller]]\nname = {name:?}\nrole = {role:?}\ntoken_sha256 = {hash:?}\n")
    };
    let table = [
        (caller("bot", "boss", &hash), vec!["line 3", "boss", "gateway"]),
        (caller("bot", "gateway", "xyz"), vec!["\"bot\"", "64 hexadecimal digits"]),
        (caller("bot", "gateway", &"é".repeat(32)), vec!["64 hexadecimal digits"]),
        (
            caller("bot", "gateway", &hash) + &caller("bot", "admin", &other),
            vec!["\"bot\"", "twice"],
        ),
        (
            caller("bot", "gateway", &hash) + &caller("ops", "admin", &hash),
            vec!["\"ops\"", "another caller's"],
        ),
        (caller("", "gateway", &hash), vec!["name is empty"]),
        (
            "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\n".to_owned(),
            vec!["token_sha256 and san are missing"],
        ),
        (
            "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\nsan = \"bot.local\"\n".to_owned(),
            vec!["TLS_CLIENT_CA"],
        ),
        (
            "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\ntoken_sha256 = []\n".to_owned(),
            vec!["\"bot\"", "is empty"],
        ),
        (
            "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\ntoken_sha256 = 7\n".to_owned(),
            vec!["a string, or a list of strings"],
        ),
        (caller("bot", "gateway", &crate::guarded::hash("")), vec!["\"bot\"", "an empty token"]),
        (
            format!(
                "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\ntoken_sha256 = [{hash:?}, {hash:?}]\n"
            ),
            vec!["\"bot\"", "listed twice"],
        ),
        (
            "[[caller]]\nname = \"bot\"\nrole = \"gateway\"\ntoken = \"x\"\n".to_owned(),
            vec!["line 4", "token"],
        ),
        ("[[callers]]\n".to_owned(), vec!["callers"]),
        (String::new(), vec!["nobody could call"]),
        ("not toml".to_owned(), vec!["line 1"]),
    ];
    for (text, expected) in table {
        let (_folder, path) = write(&text);
        let said = load(&path).unwrap_err().to_string();
        assert!(said.starts_with("TEST_AUTH_FILE: ") && said.contains("auth.toml"), "{said}");
        for part in expected {
            assert!(said.contains(part), "{said:?} should say {part:?}");
        }
        assert!(!said.contains(&hash), "{said}");
    }
    let missing = load("/nonexistent/auth.toml".as_ref()).unwrap_err().to_string();
    assert!(missing.contains("/nonexistent/auth.toml"), "{missing}");
}

#[test]
fn debug_shows_names_but_no_hashes() {
    let (_folder, path) = file(&[("bot", "gateway", "t-1")]);
    let said = format!("{:?}", load(&path).unwrap());
    assert_eq!(said, r#"[Caller { name: "bot", role: Gateway }]"#);
}
