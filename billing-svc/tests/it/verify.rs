//! Whatever is changed behind the service's back, `verify` names the row and the invariant.

use std::process::Command as Process;

use billing_svc::ledger::*;
use billing_svc::verify::{self, Invariant};
use sea_orm::ConnectionTrait;

use crate::books::*;
use crate::harness::Database;

on_both!(
    an_empty_database_is_clean,
    every_kind_of_tampering_is_named,
    the_binary_says_it_with_its_exit_code,
);

async fn an_empty_database_is_clean(database: Database) {
    Books::open(&database).await.prove().await;
}

/// Anna has an operation of each kind: open, done, given back, given back in part, declined, and a free one.
async fn write_history(books: &Books) {
    let payer = user("payer");
    books.ask(top_up(&payer, "top-up", 50)).await.unwrap().unwrap();
    let grant = Command::GrantCredits(GrantCredits {
        user_id: payer.clone(),
        request_id: request("grant"),
        grant_id: GrantId(uuid::Uuid::now_v7()),
        credits: Credits { unit: Unit::Money, amount: 4_000_000 },
        kind: GrantKind::Promo,
        priority: 0,
        expire_time: None,
        reason: String::new(),
        caller: "test".to_owned(),
    });
    books.ask(grant).await.unwrap().unwrap();
    books.charge(&payer, "open").await;
    let done = books.charge(&payer, "done").await;
    books.ask(complete(&done)).await.unwrap().unwrap();
    let back = books.charge(&payer, "back").await;
    books.ask(refund(&back)).await.unwrap().unwrap();
    let part = books.charge(&payer, "part").await;
    books.ask(complete(&part)).await.unwrap().unwrap();
    let Command::Refund { user_id, operation_id, reason, comment, .. } = refund(&part) else {
        unreachable!()
    };
    let amount = Some(Amount::units(2));
    let right = RefundRight::Everything;
    let in_part = Command::Refund { user_id, operation_id, reason, comment, amount, right };
    books.ask(in_part).await.unwrap().unwrap();
    let Command::Charge(mut free) = charge(&payer, "free") else { unreachable!() };
    free.kind = Kind::parse("generate").unwrap();
    operation(books.ask(Command::Charge(free)).await.unwrap());
    assert!(books.ask(charge(&user("stranger"), "declined")).await.unwrap().is_err());
}

/// What is done, how it is undone, what it breaks, and the row that has to be named.
pub type Tampering = (&'static str, &'static str, Invariant, &'static str);

const TAMPERING: &[Tampering] = &[
    (
        "UPDATE entries SET amount = amount + 1 WHERE request_id = 'top-up'",
        "UPDATE entries SET amount = amount - 1 WHERE request_id = 'top-up'",
        Invariant::I1,
        "all entries of Money",
    ),
    (
        "UPDATE entries SET unit = 'OPERATION' WHERE request_id = 'top-up'",
        "UPDATE entries SET unit = 'MONEY' WHERE request_id = 'top-up'",
        Invariant::I1,
        "entries payer 2",
    ),
    (
        "UPDATE users SET available = available - 1000000000, standing = 'BLOCKED' WHERE user_id = 'payer'",
        "UPDATE users SET available = available + 1000000000, standing = 'GOOD' WHERE user_id = 'payer'",
        Invariant::I2,
        "users payer",
    ),
    (
        "UPDATE users SET held = held + 1 WHERE user_id = 'payer'",
        "UPDATE users SET held = held - 1 WHERE user_id = 'payer'",
        Invariant::I3,
        "users payer",
    ),
    (
        "UPDATE users SET held_operations = 0 WHERE user_id = 'payer'",
        "UPDATE users SET held_operations = 1 WHERE user_id = 'payer'",
        Invariant::I3,
        "users payer",
    ),
    (
        "UPDATE operations SET unit_price = unit_price + 1 WHERE request_id = 'done'",
        "UPDATE operations SET unit_price = unit_price - 1 WHERE request_id = 'done'",
        Invariant::I4,
        "operations payer",
    ),
    (
        "UPDATE operations SET quantity = 2 WHERE request_id = 'free'",
        "UPDATE operations SET quantity = 1 WHERE request_id = 'free'",
        Invariant::I4,
        "operations payer",
    ),
    (
        "UPDATE operations SET funding = '[{\"source\":\"balance\",\"amount\":6000000}]' WHERE request_id = 'declined'",
        "UPDATE operations SET funding = '[]' WHERE request_id = 'declined'",
        Invariant::I4,
        "operations stranger",
    ),
    (
        "UPDATE operations SET state = 'CHARGED', settle_time = NULL WHERE request_id = 'done'",
        "UPDATE operations SET state = 'COMPLETED', settle_time = 1 WHERE request_id = 'done'",
        Invariant::I5,
        "operations payer",
    ),
    (
        "UPDATE operations SET state = 'COMPLETED', settle_time = 1 WHERE request_id = 'open'",
        "UPDATE operations SET state = 'CHARGED', settle_time = NULL WHERE request_id = 'open'",
        Invariant::I5,
        "operations payer",
    ),
    (
        "UPDATE operations SET state = 'COMPLETED', refunded = 0, refund_reason = NULL WHERE request_id = 'part'",
        "UPDATE operations SET state = 'REFUNDED', refunded = 2000000, refund_reason = 'JOB_FAILED'
            WHERE request_id = 'part'",
        Invariant::I5,
        "operations payer",
    ),
    (
        "INSERT INTO entries SELECT user_id, sequence + 1000, from_account, to_account, unit, amount, operation_id,
            request_id, create_time, balance_after, payment_id FROM entries WHERE to_account = 'revenue'",
        "DELETE FROM entries WHERE sequence > 1000",
        Invariant::I5,
        "operations payer",
    ),
    (
        "UPDATE operations SET request_id = 'done' WHERE request_id = 'back'",
        "UPDATE operations SET request_id = 'back' WHERE state = 'REFUNDED' AND request_id = 'done'",
        Invariant::I6,
        "operations with request_id done",
    ),
    (
        "UPDATE users SET available = available + 1 WHERE user_id = 'payer'",
        "UPDATE users SET available = available - 1 WHERE user_id = 'payer'",
        Invariant::I7,
        "users payer",
    ),
    (
        "UPDATE users SET last_entry = last_entry + 1 WHERE user_id = 'payer'",
        "UPDATE users SET last_entry = last_entry - 1 WHERE user_id = 'payer'",
        Invariant::I7,
        "users payer",
    ),
    (
        "UPDATE grants SET remaining = remaining - 1 WHERE kind = 'SIGNUP' AND user_id = 'payer'",
        "UPDATE grants SET remaining = remaining + 1 WHERE kind = 'SIGNUP' AND user_id = 'payer'",
        Invariant::I7,
        "grants payer",
    ),
    (
        "UPDATE entries SET balance_after = balance_after + 1 WHERE request_id = 'top-up'",
        "UPDATE entries SET balance_after = balance_after - 1 WHERE request_id = 'top-up'",
        Invariant::I7,
        "entries payer 2",
    ),
    (
        "UPDATE entries SET sequence = 500 WHERE request_id = 'grant'",
        "UPDATE entries SET sequence = 3 WHERE request_id = 'grant'",
        Invariant::I7,
        "entries payer 500",
    ),
    (
        "UPDATE users SET user_id = 'nobody' WHERE user_id = 'stranger'",
        "UPDATE users SET user_id = 'stranger' WHERE user_id = 'nobody'",
        Invariant::I7,
        "users stranger",
    ),
    (
        "UPDATE operations SET refunded = refunded + 1 WHERE request_id = 'part'",
        "UPDATE operations SET refunded = refunded - 1 WHERE request_id = 'part'",
        Invariant::I9,
        "operations payer",
    ),
    (
        "UPDATE entries SET amount = amount + 90000000 WHERE from_account = 'revenue'",
        "UPDATE entries SET amount = amount - 90000000 WHERE from_account = 'revenue'",
        Invariant::I9,
        "operations payer",
    ),
    (
        "UPDATE operations SET labels = 'x' WHERE request_id = 'done'",
        "UPDATE operations SET labels = '{}' WHERE request_id = 'done'",
        Invariant::Readable,
        "operations",
    ),
];

async fn every_kind_of_tampering_is_named(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books).await;
    every_one_is_named(&books, &["DROP INDEX operations_request_id"], TAMPERING).await;
    books.prove().await;
}

/// Takes down what the database would refuse by itself, then does and undoes each.
pub async fn every_one_is_named(books: &Books, unprotect: &[&str], tampering: &[Tampering]) {
    let connection = &books.database.connection;
    for statement in unprotect {
        connection.execute_unprepared(statement).await.unwrap();
    }
    for (tamper, undo, invariant, row) in tampering {
        let before = verify::run(connection).await.unwrap();
        assert!(before.is_clean(), "before {tamper}: {before}");
        let done = connection.execute_unprepared(tamper).await.unwrap();
        assert!(done.rows_affected() > 0, "{tamper}");
        let report = verify::run(connection).await.unwrap();
        let named = report.violations.iter();
        let named = named.filter(|v| v.invariant == *invariant && v.row.contains(row)).count();
        assert!(named > 0, "{tamper}: {report}");
        assert!(!report.is_clean());
        connection.execute_unprepared(undo).await.unwrap();
    }
}

async fn the_binary_says_it_with_its_exit_code(database: Database) {
    let books = Books::open(&database).await;
    write_history(&books).await;
    // The service lives on meanwhile.
    let verify = || {
        let mut process = Process::new(env!("CARGO_BIN_EXE_billing-svc"));
        let output = process.args(["verify", "--database-url", database.url()]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("clean\n"), "{said}");

    let tamper = "UPDATE users SET available = available + 1 WHERE user_id = 'payer'";
    books.database.connection.execute_unprepared(tamper).await.unwrap();
    let (code, said) = verify();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("violation I7 users payer: available"), "{said}");
    assert!(said.lines().last().unwrap().starts_with("violations "), "{said}");
}
