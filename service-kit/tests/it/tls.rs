//! TLS, certificates and tokens at a running server.

use rcgen::SanType;
use service_kit::{
    telemetry,
    tls::{Tls, TlsFiles},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::{
    certificates::{Ca, Files, Pair, When},
    guarded::{HOST, Log, Server, caller, hash, load, who},
};

/// Whom the server knew, if it let them connect.
type Met = Option<Result<String, Code>>;

const UNKNOWN: Met = Some(Err(Code::Unauthenticated));

fn known(name: &str) -> Met {
    Some(Ok(name.to_owned()))
}

/// Files of a server that asks for certificates of `ca`.
fn mutual(ca: &Ca, callers: &str) -> Files {
    let files = Files::new();
    files.write_pair(&ca.sign(HOST));
    files.write("ca.pem", &ca.pem());
    files.write("auth.toml", callers);
    files
}

#[tokio::test]
async fn a_caller_is_known_by_certificate_by_token_or_by_both() {
    let ca = Ca::new("ours");
    let both = format!("san = \"both.test\"\ntoken_sha256 = {:?}", hash("both"));
    let callers = [
        caller("named", "san = \"Named.TEST\""),
        caller("spiffe", "san = \"spiffe://kopilka/worker\""),
        caller("token", &format!("token_sha256 = {:?}", hash("token"))),
        caller("both", &both),
    ];
    let server = Server::start(&mutual(&ca, &callers.concat())).await;
    let [named, spiffe, both, other] =
        ["named.test", "spiffe://kopilka/worker", "both.test", "other.test"].map(|n| ca.sign(n));
    let (log, _guard) = Log::open();
    let table: [(&Pair, Option<&str>, Met, &str); 10] = [
        (&named, None, known("named"), ""),
        (&spiffe, None, known("spiffe"), ""),
        (&both, Some("both"), known("both"), ""),
        // Whoever is known by a token alone may come with any certificate.
        (&other, Some("token"), known("token"), ""),
        (&named, Some("token"), known("token"), ""),
        (&other, None, UNKNOWN, "the certificate is nobody's"),
        (&both, None, UNKNOWN, "the token that it needs too is missing"),
        (&other, Some("both"), UNKNOWN, "the certificate that it needs too is not"),
        // A token that is sent and wrong is not made good by a certificate.
        (&named, Some("wrong"), UNKNOWN, "the token is nobody's"),
        (&named, Some(""), UNKNOWN, "the token is nobody's"),
    ];
    for (shows, token, expected, why) in table {
        assert_eq!(server.knock(&ca, Some(shows), token).await, expected, "{token:?} {why}");
        log.line(&["rpc=\"/test.v1.Test/WhoAmI\"", why]).await;
    }
    log.line(&["other.test", "the certificate is nobody's"]).await;
    let said = log.text();
    for secret in ["wrong", &hash("both"), &hash("token")] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[tokio::test]
async fn a_name_of_another_kind_is_another_name() {
    let ca = Ca::new("ours");
    let callers = [
        caller("dns", "san = \"named.test\""),
        caller("uri", "san = \"spiffe://kopilka/worker\""),
        caller("address", "san = \"127.0.0.1\""),
    ];
    let server = Server::start(&mutual(&ca, &callers.concat())).await;
    let text = |name: &str| name.to_owned().try_into().unwrap();
    for name in [
        SanType::URI(text("named.test")),
        SanType::DnsName(text("spiffe://kopilka/worker")),
        SanType::Rfc822Name(text("named.test")),
        SanType::DnsName(text("*.test")),
        SanType::IpAddress([127, 0, 0, 1].into()),
    ] {
        let shown = ca.sign_as(name.clone(), When::Now);
        assert_eq!(server.knock(&ca, Some(&shown), None).await, UNKNOWN, "{name:?}");
    }
}

#[tokio::test]
async fn the_end_that_is_told_is_that_of_the_certificate_that_is_shown() {
    let metrics = telemetry::metrics().unwrap();
    let ca = Ca::new("ours");
    let files = Files::new();
    files.write_pair(&ca.sign(HOST));
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    let named = TlsFiles { prefix: "SHOWN", cert: Some(&cert), key: Some(&key), client_ca: None };
    let tls = Tls::load(named).unwrap().unwrap();
    let told = || {
        let rendered = metrics.render();
        let line = "tls_certificate_expiry_timestamp_seconds{file=\"SHOWN_TLS_CERT\"} ";
        rendered.lines().find_map(|found| found.strip_prefix(line)).unwrap().to_owned()
    };
    let end = told();

    let (log, _guard) = Log::open();
    let stop = CancellationToken::new();
    tokio::spawn(tls.follow(stop.clone()));
    let sooner = ca.sign_for(HOST, When::Past);
    files.write("cert.pem", &sooner.cert);
    log.line(&["SHOWN_TLS_CERT", "can't be used"]).await;
    assert_eq!(told(), end, "its key is still missing");
    files.write("key.pem", &sooner.key);
    log.line(&["SHOWN_TLS_CERT", "is not valid now"]).await;
    assert_ne!(told(), end);
    stop.cancel();
}

#[tokio::test]
async fn who_shows_no_good_certificate_does_not_get_in_and_the_log_says_why() {
    let _metrics = telemetry::metrics().unwrap();
    let (ca, other) = (Ca::new("ours"), Ca::new("theirs"));
    let server = Server::start(&mutual(&ca, &caller("bot", "san = \"bot.test\""))).await;
    let (log, _guard) = Log::open();
    let table = [
        (Some(other.sign("bot.test")), "UnknownIssuer", "unknown_ca"),
        (Some(ca.sign_for("bot.test", When::Past)), "expired", "expired"),
        (Some(ca.sign_for("bot.test", When::Future)), "not valid yet", "not_yet_valid"),
        (None, "no certificates", "no_certificate"),
    ];
    for (shows, why, result) in table {
        let token = Some("irrelevant");
        assert_eq!(server.knock(&ca, shows.as_ref(), token).await, None, "{result}");
        let line = log.line(&["the TLS handshake failed", why]).await;
        let names = if shows.is_some() { "names=[\"bot.test\"]" } else { "names=[]" };
        assert!(line.contains(names) && line.contains("peer=127.0.0.1:"), "{line}");
        let counted = format!("tls_handshakes_total{{result=\"{result}\"}}");
        assert!(telemetry::metrics().unwrap().render().contains(&counted), "{counted}");
    }
    assert_eq!(server.knock(&ca, Some(&ca.sign("bot.test")), None).await, known("bot"));
    // A client that doesn't trust us, and one that speaks no TLS.
    assert_eq!(server.knock(&other, Some(&ca.sign("bot.test")), None).await, None);
    log.line(&["the TLS handshake failed", "UnknownCA"]).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    plain.read_to_end(&mut Vec::new()).await.unwrap();
    log.line(&["the TLS handshake failed", "InvalidContentType"]).await;
}

#[tokio::test]
async fn who_says_nothing_keeps_nobody_out() {
    let ca = Ca::new("ours");
    let server = Server::start(&mutual(&ca, &caller("bot", "san = \"bot.test\""))).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert_eq!(server.knock(&ca, Some(&ca.sign("bot.test")), None).await, known("bot"));
}

#[tokio::test]
async fn without_a_ca_for_clients_tls_asks_for_a_token_only() {
    let ca = Ca::new("ours");
    let files = Files::new();
    files.write_pair(&ca.sign(HOST));
    files.write("auth.toml", &caller("bot", &format!("token_sha256 = {:?}", hash("t"))));
    let server = Server::start(&files).await;
    assert_eq!(server.knock(&ca, None, Some("t")).await, known("bot"));
    assert_eq!(server.knock(&ca, None, None).await, UNKNOWN);
    assert_eq!(server.knock(&Ca::new("theirs"), None, Some("t")).await, None);
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_live_on() {
    let (before, after, clients) = (Ca::new("before"), Ca::new("after"), Ca::new("clients"));
    let files = mutual(&clients, &caller("bot", "san = \"bot.test\""));
    files.write_pair(&before.sign(HOST));
    let server = Server::start(&files).await;
    let bot = clients.sign("bot.test");
    let old = server.connect(&before, Some(&bot)).await.unwrap();
    assert_eq!(who(old.clone(), None).await.unwrap(), "bot");

    // Half of it first: a key that does not fit is never taken.
    let (log, _guard) = Log::open();
    let new = after.sign(HOST);
    files.write("cert.pem", &new.cert);
    log.line(&["TEST_TLS_CERT", "can't be used", "is not the key of the certificate"]).await;
    assert_eq!(server.knock(&before, Some(&bot), None).await, known("bot"));

    files.write("key.pem", &new.key);
    while server.knock(&after, Some(&bot), None).await != known("bot") {}
    assert_eq!(server.knock(&before, Some(&bot), None).await, None);
    assert_eq!(who(old, None).await.unwrap(), "bot");
    assert!(!log.text().contains("PRIVATE"));
}

#[tokio::test]
async fn a_ca_is_replaced_by_way_of_both() {
    let (before, after) = (Ca::new("before"), Ca::new("after"));
    let files = mutual(&before, &caller("bot", "san = \"bot.test\""));
    let server = Server::start(&files).await;
    let (old, new) = (before.sign("bot.test"), after.sign("bot.test"));
    assert_eq!(server.knock(&before, Some(&new), None).await, None);

    files.write("ca.pem", &(before.pem() + &after.pem()));
    while server.knock(&before, Some(&new), None).await != known("bot") {}
    assert_eq!(server.knock(&before, Some(&old), None).await, known("bot"));

    files.write("ca.pem", &after.pem());
    while server.knock(&before, Some(&old), None).await.is_some() {}
    assert_eq!(server.knock(&before, Some(&new), None).await, known("bot"));
}

#[tokio::test]
async fn a_token_is_replaced_by_way_of_both_and_a_broken_file_changes_nothing() {
    let _metrics = telemetry::metrics().unwrap();
    let ca = Ca::new("ours");
    let of = |tokens: &[&str]| {
        let hashes: Vec<String> = tokens.iter().map(|token| hash(token)).collect();
        caller("bot", &format!("token_sha256 = {hashes:?}"))
    };
    let files = mutual(&ca, &of(&["old"]));
    let server = Server::start(&files).await;
    let any = ca.sign("any.test");
    let channel = server.connect(&ca, Some(&any)).await.unwrap();
    let knows = async |token: &'static str| who(channel.clone(), Some(token)).await.is_ok();
    assert!(knows("old").await && !knows("new").await);

    files.write("auth.toml", &of(&["old", "new"]));
    while !knows("new").await {}
    assert!(knows("old").await);

    let (log, _guard) = Log::open();
    files.write("auth.toml", &format!("{}oops = \"{}\"", of(&["new"]), hash("new")));
    log.line(&["ERROR", "TEST_AUTH_FILE", "line 5", "can't be used"]).await;
    assert!(knows("old").await && knows("new").await);
    assert!(!log.text().contains(&hash("new")), "{}", log.text());
    std::fs::remove_file(files.path("auth.toml")).unwrap();
    log.line(&["ERROR", "TEST_AUTH_FILE", "No such file"]).await;
    assert!(knows("old").await && knows("new").await);

    files.write("auth.toml", &of(&["new"]));
    while knows("old").await {}
    assert!(knows("new").await);
    let rendered = telemetry::metrics().unwrap().render();
    for result in ["ok", "failed"] {
        let counted =
            format!("config_reloads_total{{file=\"TEST_AUTH_FILE\",result=\"{result}\"}}");
        assert!(rendered.contains(&counted), "{counted}");
    }
}

#[test]
fn files_that_do_not_go_together_are_refused_by_name() {
    let (ca, bot) = (Ca::new("ours"), caller("bot", "san = \"bot.test\""));
    let (ours, other) = (ca.sign(HOST), ca.sign(HOST));
    let token = caller("bot", &format!("token_sha256 = {:?}", hash("t")));
    let table: [(&[(&str, &str)], &str); 11] = [
        (&[("cert.pem", &ours.cert)], "TEST_TLS_CERT and TEST_TLS_KEY belong together"),
        (&[("key.pem", &ours.key)], "TEST_TLS_CERT and TEST_TLS_KEY belong together"),
        (&[("ca.pem", &ca.pem())], "TEST_TLS_CLIENT_CA needs TEST_TLS_CERT"),
        (&[("cert.pem", &ours.cert), ("key.pem", &other.key)], "TEST_TLS_KEY: is not the key"),
        (&[("cert.pem", &ours.cert), ("key.pem", &ours.cert)], "TEST_TLS_KEY: is no private key"),
        (&[("cert.pem", ""), ("key.pem", &ours.key)], "TEST_TLS_CERT: holds no certificate"),
        (
            &[("cert.pem", &ours.cert), ("key.pem", &ours.key), ("ca.pem", "nothing")],
            "TEST_TLS_CLIENT_CA: holds no certificate",
        ),
        (&[("auth.toml", &bot)], "san needs …_TLS_CLIENT_CA"),
        (
            &[("cert.pem", &ours.cert), ("key.pem", &ours.key), ("auth.toml", &bot)],
            "san needs …_TLS_CLIENT_CA",
        ),
        (&[("auth.toml", "")], "TEST_AUTH_FILE: "),
        (&[("auth.toml", &token), ("ca.pem", &ca.pem())], "TEST_TLS_CLIENT_CA needs"),
    ];
    for (contents, expected) in table {
        let files = Files::new();
        for (name, content) in contents {
            files.write(name, content);
        }
        let said = load(&files).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(expected), "{said:?} should say {expected:?}");
        assert!(!said.contains("BEGIN") && !said.contains("PRIVATE"), "{said}");
    }
}
