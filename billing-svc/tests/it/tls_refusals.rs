//! Who does not get in, or not far, at the program itself: what they are told, and what its log says of it. And that
//! certificates and tokens change while calls go on.

use tonic::Code;

use crate::certificates::{Ca, Pair, When};
use crate::tls_program::{HOST, Program, call, caller, hash, mutual};

const CHARGE: &str = "/billing.v1.BillingService/Charge";
const COMPLETE: &str = "/billing.v1.BillingService/Complete";
const PRICES: &str = "/billing.v1.BillingService/ListPrices";

/// What a call over a new connection ends with.
async fn knock(
    program: &Program,
    ca: &Ca,
    shows: Option<&Pair>,
    rpc: &str,
    token: Option<&str>,
) -> Code {
    match program.secure(HOST, ca, shows).await {
        Ok(channel) => {
            call(&channel, rpc, token).await.map_or_else(|status| status.code(), |()| Code::Ok)
        }
        // The code of a call that finds no connection.
        Err(_) => Code::Unavailable,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_good_makes_no_connection() {
    let (ca, theirs) = (Ca::new("ours"), Ca::new("theirs"));
    let callers = caller("bot", "gateway", None, Some("bot.test"))
        + &caller("desk", "viewer", Some("word"), None);
    let program = Program::start(&mutual(&ca, &callers)).await;
    let table = [
        (Some(theirs.sign("bot.test")), "UnknownIssuer"),
        (Some(ca.sign_for("bot.test", When::Past)), "expired"),
        (Some(ca.sign_for("bot.test", When::Future)), "not valid yet"),
        (None, "no certificates"),
    ];
    for (shows, why) in table {
        // A good token helps nobody.
        let code = knock(&program, &ca, shows.as_ref(), PRICES, Some("word")).await;
        // Not a word of the service's: the connection broke.
        let answers = [Code::Ok, Code::Unauthenticated, Code::PermissionDenied];
        assert!(!answers.contains(&code), "{why}: {code:?}");
        let line = program.logged(&["the TLS handshake failed", why]).await;
        assert_eq!(line.contains("bot.test"), shows.is_some(), "{line}");
    }
    assert_eq!(knock(&program, &ca, Some(&ca.sign("bot.test")), PRICES, None).await, Code::Ok);
    let log = program.log();
    assert!(!log.contains("word") && !log.contains(&hash("word")) && !log.contains("BEGIN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_name_authority_or_time_is_not_talked_to() {
    let (ca, theirs) = (Ca::new("ours"), Ca::new("theirs"));
    let files = mutual(&ca, &caller("bot", "gateway", Some("word"), None));
    let program = Program::start(&files).await;
    let bot = ca.sign("bot.test");
    assert!(program.secure(HOST, &ca, Some(&bot)).await.is_ok());
    assert!(program.secure("images.test", &ca, Some(&bot)).await.is_err());
    assert!(program.secure(HOST, &theirs, Some(&bot)).await.is_err());

    files.write_pair(&ca.sign_for(HOST, When::Past));
    let old = Program::start(&files).await;
    assert!(old.secure(HOST, &ca, Some(&bot)).await.is_err());
    old.logged(&["ERROR", "BILLING_TLS_CERT", "not valid now"]).await;
    // Without TLS it is no use to knock.
    assert!(call(&program.plain().await, PRICES, Some("word")).await.is_err());
    assert!(!program.log().contains("word"));
}

/// Certificate, token and RPC; the answer, and what the log says.
type Knock<'a> = (&'a Pair, Option<&'a str>, &'a str, Code, &'a [&'a str]);

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_half_is_worth_nothing() {
    let ca = Ca::new("ours");
    let callers = [
        caller("bot", "gateway", Some("word of the bot"), Some("bot.test")),
        caller("painter", "worker", Some("word of the painter"), Some("painter.test")),
        caller("script", "service", Some("word of the script"), None),
        caller("desk", "viewer", None, Some("desk.test")),
    ];
    let program = Program::start(&mutual(&ca, &callers.concat())).await;
    let sign = |name: &str| ca.sign(name);
    let [bot, painter, desk, other] =
        ["bot.test", "painter.test", "desk.test", "other.test"].map(sign);
    let stranger = Code::Unauthenticated;
    let table: [Knock<'_>; 12] = [
        (&bot, Some("word of the bot"), CHARGE, Code::InvalidArgument, &[]),
        (&painter, Some("word of the painter"), COMPLETE, Code::InvalidArgument, &[]),
        (&desk, None, PRICES, Code::Ok, &[]),
        // A token without its certificate, with another caller's, with anybody's.
        (
            &painter,
            Some("word of the bot"),
            CHARGE,
            stranger,
            &["painter.test", "\\\"bot\\\"", "is not"],
        ),
        (
            &other,
            Some("word of the bot"),
            CHARGE,
            stranger,
            &["other.test", "\\\"bot\\\"", "is not"],
        ),
        (&desk, Some("word of the painter"), COMPLETE, stranger, &["desk.test", "\\\"painter\\\""]),
        // A certificate without its token, or with a wrong one.
        (&bot, None, CHARGE, stranger, &["bot.test", "token that it needs too is missing"]),
        (&bot, Some("word of nobody"), CHARGE, stranger, &["bot.test", "the token is nobody's"]),
        (&desk, Some("word of nobody"), PRICES, stranger, &["desk.test", "the token is nobody's"]),
        // The token of another role decides, whatever the certificate may.
        (
            &bot,
            Some("word of the script"),
            "/billing.v1.PaymentService/CreatePayment",
            Code::PermissionDenied,
            &["CreatePayment", "\"script\""],
        ),
        (
            &painter,
            Some("word of the painter"),
            CHARGE,
            Code::PermissionDenied,
            &["Charge", "\"painter\""],
        ),
        (&desk, None, COMPLETE, Code::PermissionDenied, &["Complete", "\"desk\""]),
    ];
    for (shows, token, rpc, expected, logged) in table {
        let code = knock(&program, &ca, Some(shows), rpc, token).await;
        assert_eq!(code, expected, "{token:?} {rpc} {logged:?}");
        if !logged.is_empty() {
            program.logged(&[&["refused: "], logged].concat()).await;
        }
    }
    let log = program.log();
    assert!(!log.contains("word of"), "{log}");
    for word in ["word of the bot", "word of the painter", "word of the script", "word of nobody"] {
        assert!(!log.contains(&hash(word)), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_tokens_change_under_calls_that_go_on() {
    let (before, after) = (Ca::new("before"), Ca::new("after"));
    let files = mutual(&before, &caller("bot", "gateway", Some("old"), Some("bot.test")));
    let program = Program::start(&files).await;
    let (old, new) = (before.sign("bot.test"), after.sign("bot.test"));
    let standing = program.secure(HOST, &before, Some(&old)).await.unwrap();
    let goes_on = async |token: &str| call(&standing, PRICES, Some(token)).await.is_ok();
    assert!(goes_on("old").await);

    // Its callers may come with certificates of both authorities, and tokens old and new.
    files.write("ca.pem", &(before.pem() + &after.pem()));
    files.write("callers.toml", &two_tokens());
    while !goes_on("new").await {
        assert!(goes_on("old").await);
    }
    // Its own certificate is one of the new authority, and then the old one is trusted no more.
    files.write_pair(&after.sign(HOST));
    while knock(&program, &after, Some(&new), PRICES, Some("new")).await != Code::Ok {
        assert!(goes_on("old").await);
    }
    files.write("ca.pem", &after.pem());
    files.write("callers.toml", &caller("bot", "gateway", Some("new"), Some("bot.test")));
    while goes_on("old").await {}
    assert!(goes_on("new").await, "a connection that stands stays");
    while knock(&program, &after, Some(&old), PRICES, Some("new")).await == Code::Ok {}
    assert_eq!(knock(&program, &after, Some(&new), PRICES, Some("new")).await, Code::Ok);

    // What can't be read changes nothing.
    files.write("callers.toml", "[[caller]]\nname = \"bot\"\nrole = \"emperor\"");
    program.logged(&["ERROR", "BILLING_AUTH_FILE", "can't be used"]).await;
    assert!(goes_on("new").await);
    let log = program.log();
    assert!(!log.contains(&hash("old")) && !log.contains(&hash("new")) && !log.contains("BEGIN"));
}

fn two_tokens() -> String {
    let one = caller("bot", "gateway", Some("old"), Some("bot.test"));
    let both = format!("[{:?}, {:?}]", hash("old"), hash("new"));
    one.replace(&format!("{:?}", hash("old")), &both)
}
