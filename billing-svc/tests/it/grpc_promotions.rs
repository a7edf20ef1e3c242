//! Promo codes: made by administrators, redeemed by users.

use std::time::{Duration, SystemTime};

use proto::billing::v1::promo_code::Credits;
use proto::billing::v1::*;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{Why, bad, because, why};
use crate::service::{Service, rub, sql};

on_all!(
    a_code_gives_once_to_each_user,
    a_code_that_gives_nothing_says_why,
    wrong_codes_are_limited_and_right_ones_are_not,
    a_code_is_made_once,
    a_code_refuses_each_bad_field,
    codes_come_page_by_page_newest_first,
);

fn code(code: &str, credits: Credits) -> PromoCode {
    PromoCode {
        code: code.to_owned(),
        campaign: "spring".to_owned(),
        credits: Some(credits),
        priority: 5,
        max_redemptions: 100,
        ..PromoCode::default()
    }
}

fn create(request_id: &str, promo_code: PromoCode) -> CreatePromoCodeRequest {
    CreatePromoCodeRequest {
        request_id: request_id.to_owned(),
        promo_code: Some(promo_code),
        reason: "a campaign".to_owned(),
    }
}

async fn made(service: &Service, promo_code: PromoCode) {
    let request = create(&format!("make-{}", promo_code.code), promo_code);
    service.admin().create_promo_code(request).await.unwrap();
}

async fn listed(service: &Service) -> Vec<PromoCode> {
    let request = ListPromoCodesRequest::default();
    service.admin().list_promo_codes(request).await.unwrap().into_inner().promo_codes
}

fn redeem(user_id: &str, code: &str) -> RedeemPromoCodeRequest {
    RedeemPromoCodeRequest { user_id: user_id.to_owned(), code: code.to_owned() }
}

fn in_an_hour() -> Option<prost_types::Timestamp> {
    Some((SystemTime::now() + Duration::from_secs(3600)).into())
}

async fn a_code_gives_once_to_each_user(database: Database) {
    let service = Service::start(database.url()).await;
    let mut promotions = service.promotions();
    let end = in_an_hour();
    let spring =
        PromoCode { grant_expire_time: end, ..code("SPRING-26", Credits::Amount(rub(50))) };
    made(&service, spring).await;

    let first = promotions.redeem_promo_code(redeem("tg:1", "spring-26")).await.unwrap();
    let first = first.into_inner();
    let grant = first.grant.clone().unwrap();
    assert_eq!(
        (grant.kind(), grant.priority, grant.user_id.as_str()),
        (GrantKind::Promo, 5, "tg:1")
    );
    assert_eq!((grant.amount_given, grant.amount_remaining), (Some(rub(50)), Some(rub(50))));
    assert_eq!(grant.expire_time.unwrap().seconds, end.unwrap().seconds);
    assert_eq!((first.user.clone().unwrap().balance, first.replayed), (Some(rub(50)), false));

    let again = promotions.redeem_promo_code(redeem("tg:1", "SPRING-26")).await.unwrap();
    assert_eq!(again.into_inner(), RedeemPromoCodeResponse { replayed: true, ..first });
    promotions.redeem_promo_code(redeem("tg:2", "Spring-26")).await.unwrap();
    assert_eq!(service.user("tg:1").await.balance, Some(rub(50)));
    assert_eq!(listed(&service).await[0].redemptions, 2);

    made(&service, code("FREE_3", Credits::Operations(3))).await;
    let answer = promotions.redeem_promo_code(redeem("tg:1", "free_3")).await.unwrap();
    assert_eq!(answer.into_inner().user.unwrap().free_operations_left, 6);
    service.finish().await;
}

async fn a_code_that_gives_nothing_says_why(database: Database) {
    let service = Service::start(database.url()).await;
    let mut promotions = service.promotions();
    let not_found = because(Code::NotFound, "PROMO_CODE_NOT_FOUND", &[]);
    assert_eq!(why(promotions.redeem_promo_code(redeem("tg:1", "NO_SUCH")).await), not_found);

    let one = PromoCode { max_redemptions: 1, ..code("ONE", Credits::Operations(1)) };
    made(&service, one).await;
    promotions.redeem_promo_code(redeem("tg:2", "ONE")).await.unwrap();
    let used_up = because(Code::FailedPrecondition, "PROMO_CODE_USED_UP", &[]);
    assert_eq!(why(promotions.redeem_promo_code(redeem("tg:1", "ONE")).await), used_up);
    // Whoever has it keeps it.
    assert!(promotions.redeem_promo_code(redeem("tg:2", "ONE")).await.unwrap().get_ref().replayed);

    let short = PromoCode { expire_time: in_an_hour(), ..code("SHORT", Credits::Operations(1)) };
    made(&service, short).await;
    sql(
        database.url(),
        "UPDATE promo_codes SET expire_time = 1700000000000000 WHERE code = 'SHORT'",
    )
    .await;
    let expired = because(Code::FailedPrecondition, "PROMO_CODE_EXPIRED", &[]);
    assert_eq!(why(promotions.redeem_promo_code(redeem("tg:1", "SHORT")).await), expired);

    made(&service, code("GOOD", Credits::Operations(1))).await;
    let block = SetStandingRequest {
        request_id: "block".to_owned(),
        user_id: "tg:1".to_owned(),
        standing: Standing::Blocked.into(),
        reason: "test".to_owned(),
    };
    service.admin().set_standing(block).await.unwrap();
    let blocked = because(Code::FailedPrecondition, "USER_BLOCKED", &[]);
    assert_eq!(why(promotions.redeem_promo_code(redeem("tg:1", "GOOD")).await), blocked);

    for (field, request) in [
        ("user_id", redeem("", "GOOD")),
        ("code", redeem("tg:1", "")),
        ("code", redeem("tg:1", "ab")),
        ("code", redeem("tg:1", &"A".repeat(33))),
        ("code", redeem("tg:1", "КОД")),
        ("code", redeem("tg:1", "GOOD ")),
    ] {
        assert_eq!(why(promotions.redeem_promo_code(request).await), bad(field));
    }
    assert_eq!(service.user("tg:1").await.free_operations_left, 3);
    service.finish().await;
}

async fn wrong_codes_are_limited_and_right_ones_are_not(database: Database) {
    let service = Service::start(database.url()).await;
    let mut promotions = service.promotions();
    made(&service, code("RIGHT", Credits::Operations(1))).await;
    for _ in 0..20 {
        promotions.redeem_promo_code(redeem("tg:1", "RIGHT")).await.unwrap();
    }
    for n in 0..9 {
        let wrong = redeem("tg:1", &format!("WRONG-{n}"));
        let answer = promotions.redeem_promo_code(wrong).await;
        assert_eq!(why(answer).reason, "PROMO_CODE_NOT_FOUND");
    }
    // A referral code that nobody has is a guess like any other.
    let guess = AcceptReferralRequest { user_id: "tg:1".to_owned(), code: "a".repeat(10) };
    assert_eq!(why(promotions.accept_referral(guess.clone()).await).reason, "REFERRAL_REFUSED");
    let limit = [("limit", "promo_attempts")];
    let limited = Why { retry: true, ..because(Code::ResourceExhausted, "LIMIT_EXCEEDED", &limit) };
    assert_eq!(why(promotions.redeem_promo_code(redeem("tg:1", "RIGHT")).await), limited);
    assert_eq!(why(promotions.accept_referral(guess).await), limited);
    // Others are not held back.
    promotions.redeem_promo_code(redeem("tg:2", "RIGHT")).await.unwrap();
    service.finish().await;
}

async fn a_code_is_made_once(database: Database) {
    let service = Service::start(database.url()).await;
    let mut admin = service.admin();
    let asked = PromoCode {
        expire_time: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
        redemptions: 77,
        ..code("SPRING", Credits::Amount(rub(5)))
    };
    let first = admin.create_promo_code(create("1", asked.clone())).await.unwrap().into_inner();
    let kept = first.promo_code.clone().unwrap();
    let create_time = kept.create_time;
    assert!(create_time.is_some() && !first.replayed);
    assert_eq!(kept, PromoCode { redemptions: 0, create_time, ..asked.clone() });
    service.promotions().redeem_promo_code(redeem("tg:1", "SPRING")).await.unwrap();

    let again = admin.create_promo_code(create("1", asked.clone())).await.unwrap().into_inner();
    assert!(again.replayed);
    assert_eq!(again.promo_code.unwrap().redemptions, 1, "as it stands now");
    let exists = because(Code::AlreadyExists, "PROMO_CODE_EXISTS", &[]);
    assert_eq!(why(admin.create_promo_code(create("2", asked.clone())).await), exists);

    let others = [
        ("promo_code.code", PromoCode { code: "OTHER".to_owned(), ..asked.clone() }),
        ("promo_code.campaign", PromoCode { campaign: "autumn".to_owned(), ..asked.clone() }),
        (
            "promo_code.credits",
            PromoCode { credits: Some(Credits::Operations(5)), ..asked.clone() },
        ),
        ("promo_code.priority", PromoCode { priority: 6, ..asked.clone() }),
        ("promo_code.max_redemptions", PromoCode { max_redemptions: 9, ..asked.clone() }),
        ("promo_code.expire_time", PromoCode { expire_time: None, ..asked.clone() }),
        ("promo_code.grant_expire_time", PromoCode { grant_expire_time: in_an_hour(), ..asked }),
    ];
    for (field, other) in others {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.create_promo_code(create("1", other)).await), reused);
    }
    assert_eq!(listed(&service).await.len(), 1);
    service.finish().await;
}

async fn a_code_refuses_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    let good = || code("GOOD", Credits::Amount(rub(5)));
    let past = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
    let never = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    let text = str::to_owned;
    let cases = [
        ("promo_code.code", PromoCode { code: text("good"), ..good() }),
        ("promo_code.code", PromoCode { code: text("GO"), ..good() }),
        ("promo_code.code", PromoCode { code: "G".repeat(33), ..good() }),
        ("promo_code.campaign", PromoCode { campaign: text(" "), ..good() }),
        ("promo_code.campaign", PromoCode { campaign: "к".repeat(65), ..good() }),
        ("promo_code.campaign", PromoCode { campaign: text("a\0"), ..good() }),
        ("promo_code.credits", PromoCode { credits: None, ..good() }),
        ("promo_code.operations", code("GOOD", Credits::Operations(0))),
        ("promo_code.operations", code("GOOD", Credits::Operations(1_000_001))),
        ("promo_code.amount", code("GOOD", Credits::Amount(rub(0)))),
        ("promo_code.amount", code("GOOD", Credits::Amount(rub(-1)))),
        ("promo_code.priority", PromoCode { priority: -1, ..good() }),
        ("promo_code.priority", PromoCode { priority: 1001, ..good() }),
        ("promo_code.max_redemptions", PromoCode { max_redemptions: 0, ..good() }),
        ("promo_code.max_redemptions", PromoCode { max_redemptions: 10_000_001, ..good() }),
        ("promo_code.expire_time", PromoCode { expire_time: past, ..good() }),
        ("promo_code.expire_time", PromoCode { expire_time: never, ..good() }),
        ("promo_code.grant_expire_time", PromoCode { grant_expire_time: past, ..good() }),
        ("promo_code.grant_expire_time", PromoCode { grant_expire_time: never, ..good() }),
    ];
    for (field, promo_code) in cases {
        let answer = service.admin().create_promo_code(create("bad", promo_code)).await;
        assert_eq!(why(answer), bad(field));
    }
    let nothing = CreatePromoCodeRequest { promo_code: None, ..create("bad", good()) };
    assert_eq!(why(service.admin().create_promo_code(nothing).await), bad("promo_code"));
    let silent = CreatePromoCodeRequest { reason: String::new(), ..create("bad", good()) };
    assert_eq!(why(service.admin().create_promo_code(silent).await), bad("reason"));
    let nameless = create("", good());
    assert_eq!(why(service.admin().create_promo_code(nameless).await), bad("request_id"));
    assert!(listed(&service).await.is_empty());
    service.finish().await;
}

async fn codes_come_page_by_page_newest_first(database: Database) {
    let service = Service::start(database.url()).await;
    for n in 0..5 {
        made(&service, code(&format!("CODE-{n}"), Credits::Operations(1))).await;
    }
    let list = |page_size, page_token: &str| ListPromoCodesRequest {
        page_size,
        page_token: page_token.to_owned(),
    };
    let mut admin = service.admin();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = admin.list_promo_codes(list(2, &token)).await.unwrap().into_inner();
        seen.extend(page.promo_codes.into_iter().map(|code| code.code));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["CODE-4", "CODE-3", "CODE-2", "CODE-1", "CODE-0"]);
    assert_eq!(why(admin.list_promo_codes(list(-1, "")).await), bad("page_size"));
    let users = FindUsersRequest { page_size: 1, ..FindUsersRequest::default() };
    for user in ["tg:1", "tg:2"] {
        service.top_up(user, 1).await;
    }
    let of_users = admin.find_users(users).await.unwrap().into_inner().next_page_token;
    for token in [of_users.as_str(), "garbage"] {
        assert_eq!(why(admin.list_promo_codes(list(2, token)).await), bad("page_token"));
    }
    service.finish().await;
}
