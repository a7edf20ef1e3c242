//! Referrals: a code of one's own, and invitations that count once.

use proto::billing::v1::*;
use tonic::Code;

use crate::bank::Bank;
use crate::harness::Database;
use crate::refusals::{bad, because, why};
use crate::service::Service;

on_both!(
    a_user_has_one_referral_code_for_ever,
    an_invitation_counts_once,
    invitations_that_do_not_count_say_why,
    both_sides_are_rewarded_at_the_first_top_up,
);

async fn referral(service: &Service, user_id: &str) -> GetReferralResponse {
    let request = GetReferralRequest { user_id: user_id.to_owned() };
    service.promotions().get_referral(request).await.unwrap().into_inner()
}

fn accept(user_id: &str, code: &str) -> AcceptReferralRequest {
    AcceptReferralRequest { user_id: user_id.to_owned(), code: code.to_owned() }
}

async fn a_user_has_one_referral_code_for_ever(database: Database) {
    let flags = ["--referral-inviter-operations", "4", "--referral-invitee-operations", "2"];
    let service = Service::start_with(database.url(), &flags).await.unwrap();
    // Asked from many sides at once, it is one.
    let askings = (0..8).map(|_| referral(&service, "tg:1"));
    let answers = futures::future::join_all(askings).await;
    let first = &answers[0];
    assert!(answers.iter().all(|answer| answer == first), "{answers:?}");
    assert_eq!(first.code.len(), 10);
    assert!(first.code.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)));
    assert_eq!((first.invited, first.rewarded), (0, 0));
    assert_eq!((first.inviter_operations, first.invitee_operations), (4, 2));
    assert_ne!(referral(&service, "tg:2").await.code, first.code);
    let nobody = GetReferralRequest::default();
    assert_eq!(why(service.promotions().get_referral(nobody).await), bad("user_id"));

    let code = first.code.clone();
    service.stop().await;
    let service = Service::start(database.url()).await;
    assert_eq!(referral(&service, "tg:1").await.code, code);
    service.finish().await;
}

async fn an_invitation_counts_once(database: Database) {
    let service = Service::start(database.url()).await;
    let mut promotions = service.promotions();
    let code = referral(&service, "tg:1").await.code;
    let first = promotions.accept_referral(accept("tg:2", &code)).await.unwrap().into_inner();
    assert_eq!((first.invitee_operations, first.replayed), (3, false));
    let again = promotions.accept_referral(accept("tg:2", &code)).await.unwrap().into_inner();
    assert_eq!(again, AcceptReferralResponse { replayed: true, ..first });
    promotions.accept_referral(accept("tg:3", &code)).await.unwrap();
    let inviter = referral(&service, "tg:1").await;
    assert_eq!((inviter.invited, inviter.rewarded), (2, 0));
    // Nothing is given before the first top-up.
    assert_eq!(service.user("tg:2").await.free_operations_total, 3);
    service.finish().await;
}

async fn invitations_that_do_not_count_say_why(database: Database) {
    let service = Service::start(database.url()).await;
    let mut promotions = service.promotions();
    let refused =
        |why: &str| because(Code::FailedPrecondition, "REFERRAL_REFUSED", &[("why", why)]);
    let one = referral(&service, "tg:1").await.code;
    let two = referral(&service, "tg:2").await.code;
    for nobodys in ["", "no code", "КОД", &"a".repeat(10), &one.to_uppercase()] {
        let answer = promotions.accept_referral(accept("tg:3", nobodys)).await;
        assert_eq!(why(answer), refused("UNKNOWN_CODE"), "{nobodys}");
    }
    assert_eq!(why(promotions.accept_referral(accept("tg:1", &one)).await), refused("SELF"));
    promotions.accept_referral(accept("tg:3", &one)).await.unwrap();
    assert_eq!(why(promotions.accept_referral(accept("tg:3", &two)).await), refused("INVITED"));
    // A circle of two, and one of three.
    let three = referral(&service, "tg:3").await.code;
    assert_eq!(why(promotions.accept_referral(accept("tg:1", &three)).await), refused("LOOP"));
    promotions.accept_referral(accept("tg:4", &three)).await.unwrap();
    let four = referral(&service, "tg:4").await.code;
    assert_eq!(why(promotions.accept_referral(accept("tg:1", &four)).await), refused("LOOP"));
    assert_eq!(why(promotions.accept_referral(accept("", &one)).await), bad("user_id"));
    let counts = |answer: GetReferralResponse| (answer.invited, answer.rewarded);
    assert_eq!(counts(referral(&service, "tg:1").await), (1, 0));
    assert_eq!(counts(referral(&service, "tg:2").await), (0, 0));
    service.finish().await;
}

async fn both_sides_are_rewarded_at_the_first_top_up(database: Database) {
    let bank = Bank::open().await;
    let flags = ["--referral-inviter-operations", "4", "--referral-invitee-operations", "2"];
    let service = bank.service_with(database.url(), &flags).await;
    let code = referral(&service, "tg:1").await.code;
    service.promotions().accept_referral(accept("tg:2", &code)).await.unwrap();
    for n in 0..2 {
        service.paid(&bank, &format!("p{n}"), "tg:2", 100).await;
    }
    let rewarded = async {
        while referral(&service, "tg:1").await.rewarded == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), rewarded).await.unwrap();
    let inviter = referral(&service, "tg:1").await;
    assert_eq!((inviter.invited, inviter.rewarded), (1, 1));
    assert_eq!(service.user("tg:1").await.free_operations_total, 3 + 4);
    assert_eq!(service.user("tg:2").await.free_operations_total, 3 + 2, "once, at the first");

    // Whoever has topped up is no newcomer.
    service.paid(&bank, "p9", "tg:9", 100).await;
    let customer = because(Code::FailedPrecondition, "REFERRAL_REFUSED", &[("why", "CUSTOMER")]);
    let answer = service.promotions().accept_referral(accept("tg:9", &code)).await;
    assert_eq!(why(answer), customer);
    service.finish().await;
}
