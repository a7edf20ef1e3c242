//! Administrators block users, let them go on, and find them.

use proto::billing::v1::*;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{bad, because, why};
use crate::service::{Service, charge_request, rub};

on_both!(
    a_blocked_user_is_charged_nothing_until_let_go_on,
    a_standing_refuses_each_bad_field,
    users_are_found_by_id_and_standing,
    users_are_found_by_what_is_theirs,
    a_search_refuses_each_bad_field,
);

fn standing(request_id: &str, user_id: &str, standing: Standing) -> SetStandingRequest {
    SetStandingRequest {
        request_id: request_id.to_owned(),
        user_id: user_id.to_owned(),
        standing: standing.into(),
        reason: "a complaint".to_owned(),
    }
}

async fn a_blocked_user_is_charged_nothing_until_let_go_on(database: Database) {
    let service = Service::start(database.url()).await;
    let mut admin = service.admin();
    service.top_up("tg:1", 100).await;
    let running = service.charge("running", "tg:1", "generate").await;

    let block = standing("block", "tg:1", Standing::Blocked);
    let first = admin.set_standing(block.clone()).await.unwrap().into_inner();
    assert_eq!(first.user.clone().unwrap().standing(), Standing::Blocked);
    let again = admin.set_standing(block.clone()).await.unwrap().into_inner();
    assert_eq!(again, SetStandingResponse { replayed: true, ..first });
    let charge = charge_request("blocked", "tg:1", "generate");
    assert_eq!(why(service.billing().charge(charge).await).reason, "USER_BLOCKED");
    // What runs ends as it would.
    service.complete(&running).await;

    let before = service.all_of("tg:1").await;
    let good = standing("block", "tg:1", Standing::Good);
    let others = [
        ("user_id", SetStandingRequest { user_id: "tg:2".to_owned(), ..block.clone() }),
        ("standing", good),
        ("reason", SetStandingRequest { reason: "another".to_owned(), ..block }),
    ];
    for (field, request) in others {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.set_standing(request).await), reused);
    }
    assert_eq!(service.all_of("tg:1").await, before);

    let good = standing("good", "tg:1", Standing::Good);
    let user = admin.set_standing(good).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.standing(), Standing::Good);
    service.charge("let-go-on", "tg:1", "generate").await;
    service.finish().await;
}

async fn a_standing_refuses_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    let good = standing("bad", "tg:1", Standing::Blocked);
    let mut cases = vec![
        ("request_id", SetStandingRequest { request_id: String::new(), ..good.clone() }),
        ("user_id", SetStandingRequest { user_id: String::new(), ..good.clone() }),
        ("reason", SetStandingRequest { reason: String::new(), ..good.clone() }),
    ];
    // Who owes is IN_DEBT by what they owe, not by decision.
    for number in [0, Standing::InDebt.into(), 4, -1] {
        cases.push(("standing", SetStandingRequest { standing: number, ..good.clone() }));
    }
    for (field, request) in cases {
        assert_eq!(why(service.admin().set_standing(request).await), bad(field));
    }
    assert_eq!(service.user("tg:1").await.version, 0);
    service.finish().await;
}

fn find(prefix: &str, page_size: i32, page_token: &str) -> FindUsersRequest {
    FindUsersRequest {
        user_id_prefix: prefix.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
        ..FindUsersRequest::default()
    }
}

fn ids(answer: &FindUsersResponse) -> Vec<&str> {
    answer.users.iter().map(|user| user.user_id.as_str()).collect()
}

async fn users_are_found_by_id_and_standing(database: Database) {
    let service = Service::start(database.url()).await;
    let mut admin = service.admin();
    for (n, user) in ["tg:1", "tg:10", "tg:2", "vk_1", "vkA1", "Tg:3"].iter().enumerate() {
        service.top_up(user, n as i64 + 1).await;
    }
    for user in ["tg:10", "vk_1"] {
        admin.set_standing(standing(user, user, Standing::Blocked)).await.unwrap();
    }
    let found = admin.find_users(find("tg:1", 0, "")).await.unwrap().into_inner();
    assert_eq!((ids(&found), found.next_page_token.as_str()), (vec!["tg:1", "tg:10"], ""));
    assert_eq!(found.users[1], service.user("tg:10").await, "as GetUserInfo shows them");
    // Letters count as they are written, and an underscore is one.
    assert_eq!(ids(admin.find_users(find("vk_", 0, "")).await.unwrap().get_ref()), ["vk_1"]);
    assert_eq!(ids(admin.find_users(find("Tg", 0, "")).await.unwrap().get_ref()), ["Tg:3"]);
    assert!(admin.find_users(find("nobody", 0, "")).await.unwrap().get_ref().users.is_empty());

    let blocked = FindUsersRequest {
        standings: vec![Standing::Blocked.into(), Standing::InDebt.into()],
        ..find("", 1, "")
    };
    let first = admin.find_users(blocked.clone()).await.unwrap().into_inner();
    assert_eq!(ids(&first), ["tg:10"]);
    let next = FindUsersRequest { page_token: first.next_page_token.clone(), ..blocked };
    let second = admin.find_users(next.clone()).await.unwrap().into_inner();
    assert_eq!((ids(&second), second.next_page_token.as_str()), (vec!["vk_1"], ""));

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = admin.find_users(find("", 4, &token)).await.unwrap().into_inner();
        seen.extend(page.users.into_iter().map(|user| user.user_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["Tg:3", "tg:1", "tg:10", "tg:2", "vkA1", "vk_1"], "by their bytes");

    // A token goes with its filters.
    let token = first.next_page_token;
    let others = [
        find("", 1, &token),
        FindUsersRequest { user_id_prefix: "v".to_owned(), ..next.clone() },
        FindUsersRequest { reference: "r".to_owned(), ..next.clone() },
        FindUsersRequest { standings: vec![Standing::Blocked.into()], ..next },
    ];
    for other in others {
        assert_eq!(why(admin.find_users(other).await), bad("page_token"));
    }
    service.finish().await;
}

async fn users_are_found_by_what_is_theirs(database: Database) {
    let service = Service::start(database.url()).await;
    let operation = service.charge("of-1", "tg:1", "generate").await;
    service.charge("of-2", "tg:2", "generate").await;
    let by = |reference: &str| FindUsersRequest {
        reference: reference.to_owned(),
        ..FindUsersRequest::default()
    };
    for reference in [operation.operation_id.as_str(), "of-1"] {
        let found = service.admin().find_users(by(reference)).await.unwrap().into_inner();
        assert_eq!(ids(&found), ["tg:1"], "{reference}");
    }
    for reference in ["of-3", &uuid::Uuid::now_v7().to_string(), "ссылка"] {
        let found = service.admin().find_users(by(reference)).await.unwrap().into_inner();
        assert!(found.users.is_empty(), "{reference}");
    }
    // All filters together.
    let both = FindUsersRequest { user_id_prefix: "tg:2".to_owned(), ..by("of-1") };
    assert!(service.admin().find_users(both).await.unwrap().into_inner().users.is_empty());
    let both = FindUsersRequest { user_id_prefix: "tg:1".to_owned(), ..by("of-1") };
    let found = service.admin().find_users(both).await.unwrap().into_inner();
    assert_eq!(found.users[0].held, Some(rub(0)));
    assert_eq!(found.users[0].free_operations_left, 2);
    service.finish().await;
}

async fn a_search_refuses_each_bad_field(database: Database) {
    let service = Service::start(database.url()).await;
    let good = FindUsersRequest::default();
    let cases = [
        ("user_id_prefix", FindUsersRequest { user_id_prefix: "%".to_owned(), ..good.clone() }),
        ("user_id_prefix", FindUsersRequest { user_id_prefix: "u".repeat(65), ..good.clone() }),
        ("standings", FindUsersRequest { standings: vec![0], ..good.clone() }),
        ("standings", FindUsersRequest { standings: vec![1, 9], ..good.clone() }),
        ("reference", FindUsersRequest { reference: "\0".to_owned(), ..good.clone() }),
        ("reference", FindUsersRequest { reference: "r".repeat(513), ..good.clone() }),
        ("page_size", FindUsersRequest { page_size: -1, ..good.clone() }),
        ("page_token", FindUsersRequest { page_token: "garbage".to_owned(), ..good }),
    ];
    for (field, request) in cases {
        assert_eq!(why(service.admin().find_users(request).await), bad(field));
    }
    service.finish().await;
}
