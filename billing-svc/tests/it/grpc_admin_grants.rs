//! Administrators look through a user's grants, and take back what is left of one.

use proto::billing::v1::*;
use tonic::Code;

use crate::harness::Database;
use crate::refusals::{bad, because, why};
use crate::service::{Service, charge_request, promo, rub, sql};

on_both!(
    what_is_left_of_a_grant_is_taken_back_once,
    a_grant_that_is_not_the_users_is_not_found,
    a_revocation_refuses_each_bad_field,
    grants_come_page_by_page_newest_first,
);

const USER: &str = "tg:1";

fn revoke(request_id: &str, grant: &Grant) -> RevokeGrantRequest {
    RevokeGrantRequest {
        request_id: request_id.to_owned(),
        user_id: USER.to_owned(),
        grant_id: grant.grant_id.clone(),
        reason: "given by mistake".to_owned(),
    }
}

async fn without_sign_up(database: &Database) -> Service {
    Service::start_with(database.url(), &["--free-operations", "0"]).await.unwrap()
}

async fn what_is_left_of_a_grant_is_taken_back_once(database: Database) {
    let service = without_sign_up(&database).await;
    let mut admin = service.admin();
    let grant = service.grant(promo("promo", USER, 15)).await;
    let operation = service.charge_with(charge_request("1", USER, "upscale")).await.operation;

    let first = admin.revoke_grant(revoke("r", &grant)).await.unwrap().into_inner();
    let revoked = first.grant.clone().unwrap();
    assert_eq!((revoked.amount_given, revoked.amount_remaining), (Some(rub(15)), Some(rub(0))));
    let user = first.user.clone().unwrap();
    assert_eq!((user.balance, user.held, first.replayed), (Some(rub(0)), Some(rub(6)), false));
    let entry = &service.entries(USER).await[0];
    assert_eq!(entry.from_account, format!("grant:{}", grant.grant_id));
    assert_eq!((entry.to_account.as_str(), entry.request_id.as_str()), ("grants", "r"));
    assert_eq!(entry.amount, Some(rub(9)));

    let again = admin.revoke_grant(revoke("r", &grant)).await.unwrap().into_inner();
    assert_eq!(again, RevokeGrantResponse { replayed: true, ..first });
    // What a running operation held of it comes back to the user all the same, and can be taken too.
    service.refund(&operation.unwrap()).await;
    assert_eq!(service.user(USER).await.balance, Some(rub(6)));
    let rest = admin.revoke_grant(revoke("rest", &grant)).await.unwrap().into_inner();
    assert_eq!((rest.user.unwrap().balance, rest.replayed), (Some(rub(0)), false));
    // Nothing is left: that is no mistake.
    assert!(!admin.revoke_grant(revoke("none", &grant)).await.unwrap().into_inner().replayed);

    let other = service.grant(promo("another", USER, 1)).await;
    let before = service.all_of(USER).await;
    let mut later = revoke("r", &grant);
    later.reason = "another".to_owned();
    for (field, request) in [("grant_id", revoke("r", &other)), ("reason", later)] {
        let reused = because(Code::AlreadyExists, "REQUEST_ID_REUSED", &[("field", field)]);
        assert_eq!(why(admin.revoke_grant(request).await), reused);
    }
    assert_eq!(service.all_of(USER).await, before);
    service.finish().await;
}

async fn a_grant_that_is_not_the_users_is_not_found(database: Database) {
    let service = without_sign_up(&database).await;
    let of_another = service.grant(promo("promo", "tg:2", 15)).await;
    let not_found = because(Code::NotFound, "GRANT_NOT_FOUND", &[]);
    let answer = service.admin().revoke_grant(revoke("1", &of_another)).await;
    assert_eq!(why(answer), not_found);
    let nobodys = Grant { grant_id: uuid::Uuid::now_v7().to_string(), ..Grant::default() };
    assert_eq!(why(service.admin().revoke_grant(revoke("1", &nobodys)).await), not_found);
    assert_eq!(service.user("tg:2").await.balance, Some(rub(15)));
    // It was not kept: the same request_id can still be used.
    let own = service.grant(promo("own", USER, 1)).await;
    service.admin().revoke_grant(revoke("1", &own)).await.unwrap();
    service.finish().await;
}

async fn a_revocation_refuses_each_bad_field(database: Database) {
    let service = without_sign_up(&database).await;
    let grant = service.grant(promo("promo", USER, 15)).await;
    let good = revoke("bad", &grant);
    let before = service.all_of(USER).await;
    let text = str::to_owned;
    let cases = [
        ("request_id", RevokeGrantRequest { request_id: text("a b"), ..good.clone() }),
        ("user_id", RevokeGrantRequest { user_id: text("тг:1"), ..good.clone() }),
        ("grant_id", RevokeGrantRequest { grant_id: String::new(), ..good.clone() }),
        ("grant_id", RevokeGrantRequest { grant_id: text("7"), ..good.clone() }),
        (
            "grant_id",
            RevokeGrantRequest { grant_id: grant.grant_id.replace('-', ""), ..good.clone() },
        ),
        ("reason", RevokeGrantRequest { reason: text(" "), ..good.clone() }),
        ("reason", RevokeGrantRequest { reason: "р".repeat(501), ..good }),
    ];
    for (field, request) in cases {
        assert_eq!(why(service.admin().revoke_grant(request).await), bad(field));
    }
    assert_eq!(service.all_of(USER).await, before);
    service.finish().await;
}

async fn grants_come_page_by_page_newest_first(database: Database) {
    let service = Service::start(database.url()).await;
    // The first write of a user brings the sign-up grant.
    service.top_up(USER, 1).await;
    let mut given = Vec::new();
    for n in 1..=4 {
        given.push(service.grant(promo(&format!("g{n}"), USER, n)).await.grant_id);
        service.grant(promo(&format!("o{n}"), "tg:11", n)).await;
    }
    service
        .admin()
        .revoke_grant(revoke("r", &service.grant(promo("g5", USER, 5)).await))
        .await
        .unwrap();
    // A spent one, and one whose time is over, are shown too.
    let expire = "UPDATE grants SET expire_time = 1700000000000000 WHERE given = 2000000";
    sql(database.url(), expire).await;

    let list = |page_size, page_token: &str| ListGrantsRequest {
        user_id: USER.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let mut admin = service.admin();
    let (mut seen, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = admin.list_grants(list(2, &token)).await.unwrap().into_inner();
        sizes.push(page.grants.len());
        seen.extend(page.grants);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 2]);
    assert!(seen.iter().all(|grant| grant.user_id == USER));
    let amounts: Vec<_> = seen.iter().map(|grant| grant.amount_given.clone()).collect();
    let expected = [Some(rub(5)), Some(rub(4)), Some(rub(3)), Some(rub(2)), Some(rub(1)), None];
    assert_eq!(amounts, expected);
    assert_eq!((seen[5].kind(), seen[5].operations_given), (GrantKind::Signup, 3));
    assert_eq!(seen[4].grant_id, given[0]);

    let page = admin.list_grants(list(6, "")).await.unwrap().into_inner();
    assert_eq!((page.grants.len(), page.next_page_token.as_str()), (6, ""));
    let token = admin.list_grants(list(1, "")).await.unwrap().into_inner().next_page_token;
    let of_another = ListGrantsRequest { user_id: "tg:2".to_owned(), ..list(1, &token) };
    assert_eq!(why(admin.list_grants(of_another).await), bad("page_token"));
    let entries = ListEntriesRequest {
        user_id: USER.to_owned(),
        page_token: token,
        ..ListEntriesRequest::default()
    };
    assert_eq!(why(service.billing().list_entries(entries).await), bad("page_token"));
    assert_eq!(why(admin.list_grants(list(1, "garbage")).await), bad("page_token"));
    assert_eq!(why(admin.list_grants(list(-1, "")).await), bad("page_size"));
    let nobody = ListGrantsRequest { user_id: "tg:9".to_owned(), ..ListGrantsRequest::default() };
    assert!(admin.list_grants(nobody).await.unwrap().into_inner().grants.is_empty());
    let nameless = ListGrantsRequest::default();
    assert_eq!(why(admin.list_grants(nameless).await), bad("user_id"));
    service.finish().await;
}
