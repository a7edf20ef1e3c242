//! Names that only one row can have, asked for by two at once: one gets it, the other is told what is so.

use billing_svc::committer::SubmitError;
use billing_svc::ledger::*;
use futures::future::join_all;
use uuid::Uuid;

use crate::books::*;
use crate::harness::Database;
use crate::topups::*;

on_both!(
    the_referral_code_of_another_fails_once_and_the_next_one_is_taken,
    requests_of_administrators_are_kept_with_all_they_asked_for,
);

on_postgres!(
    one_request_makes_one_payment,
    two_instances_that_hear_of_one_payment_credit_it_once,
    the_last_redemption_of_a_code_is_one_users,
    one_is_invited_by_one_and_no_circle_closes,
    price_lists_that_are_published_at_once_get_a_version_each,
);

/// Two instances on one PostgreSQL.
async fn both(database: &Database) -> [Books; 2] {
    [Books::open(database).await, Books::open(database).await]
}

async fn prove([first, second]: [Books; 2]) {
    first.committer.close().await;
    second.prove().await;
}

async fn ask_both(instances: &[Books; 2], commands: [Command; 2]) -> Vec<Answer> {
    let [first, second] = commands;
    let asked = [instances[0].ask(first), instances[1].ask(second)];
    join_all(asked).await.into_iter().map(Result::unwrap).collect()
}

type Answer = Result<Outcome, Rejection>;

async fn one_request_makes_one_payment(database: Database) {
    let instances = both(&database).await;
    for round in 0..8 {
        let id = format!("shared-{round}");
        // New users: no row of theirs is there to be locked.
        let (one, other) = (user(&format!("one-{round}")), user(&format!("other-{round}")));
        let same = [(); 2].map(|()| new_payment(&one, &id, Provider::Yookassa, 10));
        let answers = ask_both(&instances, same).await;
        let ids: Vec<_> = answers.into_iter().map(|a| payment(a).payment_id).collect();
        assert_eq!(ids[0], ids[1]);

        let id = format!("of-two-{round}");
        let differing = [&one, &other].map(|user| new_payment(user, &id, Provider::Yookassa, 10));
        let answers = ask_both(&instances, differing).await;
        let reused = Err(Rejection::RequestIdReused { field: "user_id" });
        assert_eq!(answers.iter().filter(|a| **a == reused).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 1, "{answers:?}");
    }
    prove(instances).await;
}

async fn two_instances_that_hear_of_one_payment_credit_it_once(database: Database) {
    let instances = both(&database).await;
    for round in 0..8 {
        let payer = user(&format!("payer-{round}"));
        let made = instances[0].new_payment(&payer, &format!("p-{round}"), 100).await;
        let name = format!("n-{round}");
        // Each comes with ids of its own for what may follow, and with a refund.
        let reports = [(); 2].map(|()| paid(&made, &name, vec![]));
        ask_both(&instances, reports).await;
        let credits = [credit(&made), credit(&made)];
        for answer in ask_both(&instances, credits).await {
            assert_eq!(payment(answer).credited, Amount::units(100));
        }
        let back = || {
            vec![ReportedRefund {
                provider_refund_id: "r1".to_owned(),
                amount: rubles(40),
                dispute: false,
                state: ReportedRefundState::Succeeded,
            }]
        };
        let reports = [(); 2].map(|()| paid(&made, &name, back()));
        ask_both(&instances, reports).await;
        let second = [(); 2].map(|()| paid(&made, &format!("{name}-again"), vec![]));
        let repeats = ask_both(&instances, second).await;
        let repeats: Vec<_> = repeats.into_iter().map(|a| payment(a).payment_id).collect();
        assert_eq!(repeats[0], repeats[1], "the repeat is one payment");
        assert_eq!(instances[0].view(&payer).await.paid_balance, Amount::units(60));
    }
    prove(instances).await;
}

async fn the_last_redemption_of_a_code_is_one_users(database: Database) {
    let instances = both(&database).await;
    for round in 0..8 {
        let name = format!("LAST-{round}");
        instances[0].ask(new_code(&name, 1)).await.unwrap().unwrap();
        let guests = ["a", "b"].map(|guest| user(&format!("{guest}-{round}")));
        let answers =
            ask_both(&instances, [&guests[0], &guests[1]].map(|g| redeem(g, &name))).await;
        let used_up = Err(Rejection::PromoCodeUsedUp);
        assert_eq!(answers.iter().filter(|a| **a == used_up).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 1, "{answers:?}");

        let name = format!("ONCE-{round}");
        instances[0].ask(new_code(&name, 5)).await.unwrap().unwrap();
        let new = user(&format!("new-{round}"));
        ask_both(&instances, [redeem(&new, &name), redeem(&new, &name)]).await;
        let left = instances[0].view(&new).await.free_operations_left;
        assert_eq!(left, POLICY.free_operations + 2, "once");
    }
    prove(instances).await;
}

async fn one_is_invited_by_one_and_no_circle_closes(database: Database) {
    let instances = both(&database).await;
    let accept = |user_id: &UserId, inviter: &UserId| Command::AcceptReferral {
        user_id: user_id.clone(),
        inviter: inviter.clone(),
    };
    for round in 0..8 {
        let [a, b, c] = ["a", "b", "c"].map(|name| user(&format!("{name}-{round}")));
        for (n, host) in [&a, &b].into_iter().enumerate() {
            let text = format!(
                "{}{}",
                ["a", "b"][n].repeat(9),
                ["2", "3", "4", "5", "6", "7", "x", "y"][round]
            );
            instances[n].ask(make_code(host, &text)).await.unwrap().unwrap();
        }
        let answers = ask_both(&instances, [accept(&c, &a), accept(&c, &b)]).await;
        let why = ReferralRefusal::Invited;
        let refused = Err(Rejection::ReferralRefused { why });
        assert_eq!(answers.iter().filter(|a| **a == refused).count(), 1, "{answers:?}");
        let answers = ask_both(&instances, [accept(&a, &b), accept(&b, &a)]).await;
        assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 1, "{answers:?}");
    }
    prove(instances).await;
}

async fn price_lists_that_are_published_at_once_get_a_version_each(database: Database) {
    let instances = both(&database).await;
    let publish = |n: i64| {
        let mut prices = prices();
        prices[0].amount = Amount::units(n);
        Command::PublishPrices { prices, by: by(&format!("prices-{n}")) }
    };
    for round in 0..6 {
        let answers = ask_both(&instances, [publish(round * 2 + 1), publish(round * 2 + 2)]).await;
        let version = |answer: &Answer| match answer {
            Ok(Outcome::Prices { prices, .. }) => prices.version,
            other => panic!("no prices: {other:?}"),
        };
        let versions: std::collections::BTreeSet<_> = answers.iter().map(version).collect();
        assert_eq!(versions, [round * 2 + 2, round * 2 + 3].into());
    }
    // The same request at both makes one.
    let answers = ask_both(&instances, [publish(50), publish(50)]).await;
    assert_eq!(instances[0].store.prices().await.unwrap().version, 14, "{answers:?}");
    prove(instances).await;
}

async fn the_referral_code_of_another_fails_once_and_the_next_one_is_taken(database: Database) {
    let books = Books::open(&database).await;
    books.ask(make_code(&user("first"), "aaaaaaaaaa")).await.unwrap().unwrap();
    // The chance is 1 to 2⁵⁰ for each pair: whoever meets it is told of a defect, and asks again with another code.
    let answer = books.ask(make_code(&user("second"), "aaaaaaaaaa")).await;
    assert_eq!(answer, Err(SubmitError::Internal));
    books.ask(make_code(&user("second"), "bbbbbbbbbb")).await.unwrap().unwrap();
    let code = books.store.referral_code(&user("second")).await.unwrap();
    assert_eq!(code, Some(ReferralCode::parse("bbbbbbbbbb").unwrap()));
    books.prove().await;
}

/// Each request again is the same request, and with one thing changed is not: all of it came back from the database.
async fn requests_of_administrators_are_kept_with_all_they_asked_for(database: Database) {
    let books = Books::open(&database).await;
    let payer = user("payer");
    let paid_in = books.pay_in(&payer, "pay", 100).await;
    let wrong = books.new_payment(&payer, "wrong", 50).await;
    let Command::ObservePayment(mut report) = paid(&wrong, "w", vec![]) else { unreachable!() };
    report.report.received = rubles(49);
    books.about_payment(Command::ObservePayment(report)).await;
    let grant_id = GrantId::signup(&payer);
    let dispute = |outcome, id| Command::RecordDispute {
        user_id: payer.clone(),
        payment_id: paid_in.payment_id,
        refund_id: RefundId(Uuid::now_v7()),
        outcome,
        amount: Some(Amount::units(7)),
        by: by(id),
    };
    let (user_id, payment_id) = (payer.clone(), wrong.payment_id);
    let amount = Some(Amount::units(49));
    let commands = [
        Command::RevokeGrant { user_id: payer.clone(), grant_id, by: by("1") },
        Command::SetStanding { user_id: payer.clone(), standing: Standing::Blocked, by: by("2") },
        Command::SetStanding { user_id: payer.clone(), standing: Standing::Good, by: by("3") },
        Command::PublishPrices { prices: prices(), by: by("4") },
        new_code("AGAIN", 3),
        Command::CreditPayment { user_id, payment_id, by: Some((by("5"), amount)) },
        pay_back(&paid_in, "6", 10),
        dispute(DisputeOutcome::Opened, "7"),
        dispute(DisputeOutcome::Won, "8"),
    ];
    for command in &commands {
        let name = command.name();
        let first = books.ask(command.clone()).await.unwrap();
        assert!(first.is_ok(), "{name}: {first:?}");
        let again = books.ask(command.clone()).await.unwrap();
        assert!(again.is_ok(), "{name}: {again:?}");
        let other = with_another_reason(command.clone());
        let refused = Err(Rejection::RequestIdReused { field: "reason" });
        assert_eq!(books.ask(other).await.unwrap(), refused, "{name}");
    }
    books.prove().await;
}

fn with_another_reason(mut command: Command) -> Command {
    match &mut command {
        Command::RevokeGrant { by, .. }
        | Command::SetStanding { by, .. }
        | Command::PublishPrices { by, .. }
        | Command::CreatePromoCode { by, .. }
        | Command::CreditPayment { by: Some((by, _)), .. }
        | Command::RefundPayment { by, .. }
        | Command::RecordDispute { by, .. } => by.reason = "another".to_owned(),
        other => panic!("{other:?} is asked by nobody"),
    }
    command
}
