//! What the configuration takes.

use crate::ledger::{RepeatRule, UserLimits};

use super::*;

fn parse(arguments: &[&str]) -> Result<Config, String> {
    let program = ["billing-svc"];
    Config::try_parse_from(program.iter().chain(arguments)).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_the_designs() {
    let config = parse(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(config.http_listen.to_string(), "127.0.0.1:9101");
    assert_eq!(config.database_url.expose_secret(), "sqlite://data/billing.db?mode=rwc");
    let settings = config.check().unwrap();
    assert_eq!(settings.migrate, MigrateMode::Auto);
    assert_eq!(&*settings.currency, "RUB");
    let half_an_hour = Duration::from_secs(30 * 60);
    let policy = Policy {
        free_operations: 3,
        hold: half_an_hour,
        referral: ReferralRewards { inviter_operations: 3, invitee_operations: 3 },
        repeated_invoice: RepeatRule::Credit,
        limits: UserLimits::default(),
    };
    assert_eq!(settings.policy, policy);
    assert_eq!(settings.prices, StartingPrices::BuiltIn(prices::built_in().unwrap()));
}

#[test]
fn connections_live_five_minutes_or_for_ever() {
    let age = |flags: &[&str]| parse(flags).unwrap().check().unwrap().max_connection_age;
    assert_eq!(age(&[]), Some(Duration::from_secs(300)));
    assert_eq!(age(&["--max-connection-age", "0s"]), None);
    for wrong in ["9s", "25h", "old"] {
        assert!(parse(&["--max-connection-age", wrong]).is_err(), "{wrong}");
    }
}

#[test]
fn pages_may_call_from_origins_as_browsers_write_them() {
    let origins = |flags: &[&str]| parse(flags).unwrap().check().unwrap().web_origins;
    assert!(origins(&[]).is_empty());
    let two = "https://console.example, http://127.0.0.1:8090";
    let expected = ["https://console.example", "http://127.0.0.1:8090"];
    assert_eq!(origins(&["--grpc-web-origins", two]), expected);
    let table = [
        ("*", "every page of the web"),
        ("", "scheme://host"),
        ("console.example", "scheme://host"),
        ("null", "scheme://host"),
        ("file:///console.html", "scheme://host"),
        ("https://console.example/", "as https://console.example"),
        ("https://console.example/admin", "as https://console.example"),
        ("https://console.example?a=b", "as https://console.example"),
        ("https://me@console.example", "as https://console.example"),
        ("https://Console.example", "as https://console.example"),
        ("https://console.example:443", "as https://console.example"),
        ("https://копилка.example", "as https://xn--80apfbeqh.example"),
        ("https://console.example,", "scheme://host"),
    ];
    for (wrong, expected) in table {
        let error = parse(&["--grpc-web-origins", wrong]).unwrap_err();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
}

#[test]
fn a_postgres_schema_is_left_to_its_operator() {
    let config = parse(&["--database-url", "postgres://u:pa55word@host/db"]).unwrap();
    assert!(!format!("{config:?}").contains("pa55word"));
    assert_eq!(config.check().unwrap().migrate, MigrateMode::Check);
}

#[test]
fn wrong_values_are_refused_before_anything_starts() {
    let table: [(&[&str], &str); 9] = [
        (&["--currency", "rub"], "three capital letters"),
        (&["--currency", "EURO"], "three capital letters"),
        (&["--free-operations", "-1"], "0..=1000000"),
        (&["--free-operations=1000001"], "0..=1000000"),
        (&["--hold", "59s"], "1m to 7d"),
        (&["--hold", "8d"], "1m to 7d"),
        (&["--hold", "soon"], "--hold"),
        (&["--listen", "localhost"], "--listen"),
        (&["--migrate", "maybe"], "auto"),
    ];
    for (arguments, expected) in table {
        let error = parse(arguments).expect_err("wrong");
        assert!(error.contains(expected) || expected == "0..=1000000", "{arguments:?}: {error}");
    }
}

#[test]
fn wrong_files_are_refused_by_the_name_of_their_variable() {
    let check =
        |arguments: &[&str]| parse(arguments).unwrap().check().expect_err("wrong").to_string();
    assert!(check(&["--auth-file", "/nowhere"]).starts_with("BILLING_AUTH_FILE: "));
    assert!(check(&["--prices-file", "/nowhere"]).starts_with("BILLING_PRICES_FILE: "));
    assert!(check(&["--listen", "0.0.0.0:1"]).starts_with("BILLING_LISTEN: "));
    assert!(check(&["--tls-cert", "/nowhere"]).starts_with("BILLING_TLS_CERT and BILLING_TLS_KEY"));
    assert!(check(&["--tls-client-ca", "/nowhere"]).starts_with("BILLING_TLS_CLIENT_CA needs"));
    let both = ["--tls-cert", "/nowhere", "--tls-key", "/nowhere"];
    assert!(check(&both).starts_with("BILLING_TLS_CERT: /nowhere: "));
}

#[test]
fn verify_needs_the_database_only() {
    let config = parse(&["verify", "--database-url", "sqlite://x.db"]).unwrap();
    assert_eq!(config.command, Some(Command::Verify));
    assert_eq!(config.database_url.expose_secret(), "sqlite://x.db");
}

#[test]
fn who_takes_money_is_checked_as_a_whole() {
    let check = |arguments: &[&str]| {
        let config = parse(arguments)?;
        config.check().map_err(|error| error.to_string())
    };
    let settings = check(&[]).unwrap().payments;
    assert!(settings.yookassa.is_none() && settings.stars.is_none());
    assert!(settings.sandbox_bank.is_none() && settings.providers("RUB").unwrap().is_empty());
    assert_eq!(settings.checks, [300, 3600, 86400].map(Duration::from_secs));

    let whole = [
        "--yookassa-shop-id=100500",
        "--yookassa-secret-key=test_hush",
        "--yookassa-notification-ips=77.75.153.0/25,77.75.156.11,2a02:5180::/32",
        "--telegram-bot-token=7:hush",
        "--sandbox-bank-url=http://127.0.0.1:8094",
        "--payment-checks=1s,2h",
    ];
    let settings = check(&whole).unwrap().payments;
    assert_eq!(settings.providers("RUB").unwrap().len(), 3);
    assert_eq!(settings.yookassa.as_ref().unwrap().notification_ips.len(), 3);
    assert!(!format!("{settings:?} {:?}", parse(&whole)).contains("hush"));

    let table: [(&[&str], &str); 10] = [
        (&["--yookassa-shop-id=1"], "belong together"),
        (&["--yookassa-secret-key=x"], "belong together"),
        (&["--yookassa-receipt-email=a@b.example"], "YOOKASSA_RECEIPT_VAT_CODE"),
        (&["--yookassa-receipt-vat-code=13"], "13"),
        (&["--yookassa-receipt-email=nobody"], "an e-mail address"),
        (&["--yookassa-notification-ips=77.75.153.0/33"], "CIDR"),
        (&["--sandbox-bank-url=http://10.0.0.1:1"], "on this machine"),
        (&["--payment-checks=0s"], "1s to 30d"),
        (&["--payment-checks=1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s"], "at most ten"),
        (&["--topups-file=/nowhere"], "BILLING_TOPUPS_FILE: "),
    ];
    for (arguments, expected) in table {
        let error = check(arguments).unwrap_err();
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn nothing_is_archived_unless_somebody_says_after_how_long() {
    let after = |flags: &[&str]| parse(flags).unwrap().check().unwrap().archive_after;
    assert_eq!(after(&[]), None);
    assert_eq!(after(&["--archive-after", "31d"]), Some(Duration::from_secs(31 * 24 * 60 * 60)));
    for wrong in ["30d", "0s", "36501d", "old"] {
        let error = parse(&["--archive-after", wrong]).unwrap_err();
        assert!(error.contains("--archive-after"), "{wrong}: {error}");
    }
}

#[test]
fn reconcile_says_how_far_back() {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    assert_eq!(parse(&["reconcile"]).unwrap().command, Some(Command::Reconcile { since: month }));
    let config = parse(&["reconcile", "--since", "1h"]).unwrap();
    assert_eq!(config.command, Some(Command::Reconcile { since: Duration::from_secs(3600) }));
    assert!(parse(&["reconcile", "--since", "1s"]).unwrap_err().contains("1m to 1000d"));
}
