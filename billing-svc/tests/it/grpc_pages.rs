//! Lists: newest first, page by page, and a page token fits its own list only.

use proto::billing::v1::*;

use crate::harness::Database;
use crate::refusals::{bad, why};
use crate::service::Service;

on_both!(
    operations_come_page_by_page_newest_first,
    entries_come_page_by_page_newest_first,
    a_page_token_fits_its_own_list_only,
);

const USER: &str = "tg:1";

fn operations(
    page_size: i32,
    page_token: &str,
    states: &[OperationState],
) -> ListOperationsRequest {
    ListOperationsRequest {
        user_id: USER.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
        states: states.iter().map(|state| (*state).into()).collect(),
    }
}

fn entries(page_size: i32, page_token: &str) -> ListEntriesRequest {
    let page_token = page_token.to_owned();
    ListEntriesRequest { user_id: USER.to_owned(), page_size, page_token }
}

/// Seven operations, each second one completed, and some of a user whose id is close by.
async fn filled(database: &Database) -> Service {
    let service = Service::start(database.url()).await;
    service.top_up(USER, 1000).await;
    for n in 0..7 {
        let operation = service.charge(&format!("r{n}"), USER, "generate").await;
        if n % 2 == 1 {
            service.complete(&operation).await;
        }
        service.charge(&format!("other{n}"), &format!("{USER}{n}"), "generate").await;
    }
    service
}

async fn operations_come_page_by_page_newest_first(database: Database) {
    let service = filled(&database).await;
    let mut billing = service.billing();
    let (mut seen, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = billing.list_operations(operations(3, &token, &[])).await.unwrap().into_inner();
        sizes.push(page.operations.len());
        seen.extend(page.operations.into_iter().map(|operation| operation.request_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(seen, ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]);

    // A page that ends exactly with the list is the last.
    let page = billing.list_operations(operations(7, "", &[])).await.unwrap().into_inner();
    assert_eq!((page.operations.len(), page.next_page_token.as_str()), (7, ""));

    let completed = [OperationState::Completed];
    let page = billing.list_operations(operations(2, "", &completed)).await.unwrap().into_inner();
    let request_ids: Vec<_> = page.operations.iter().map(|o| o.request_id.as_str()).collect();
    assert_eq!(request_ids, ["r5", "r3"]);
    let rest = operations(2, &page.next_page_token, &completed);
    let page = billing.list_operations(rest).await.unwrap().into_inner();
    assert_eq!((page.operations[0].request_id.as_str(), page.next_page_token.as_str()), ("r1", ""));
    service.finish().await;
}

async fn entries_come_page_by_page_newest_first(database: Database) {
    let service = filled(&database).await;
    let mut billing = service.billing();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = billing.list_entries(entries(4, &token)).await.unwrap().into_inner();
        seen.extend(page.entries.into_iter().map(|entry| entry.sequence));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // The sign-up grant, the adjustment, seven charges, three completions.
    let all: Vec<i64> = (1..=12).rev().collect();
    assert_eq!(seen, all);

    let first = service.entries(USER).await.pop().unwrap();
    assert_eq!((first.from_account.as_str(), first.unit()), ("grants", Unit::Operation));
    assert!(first.to_account.starts_with("grant:"));
    assert_eq!((first.operations, first.operations_after), (3, 3));
    assert_eq!((first.amount, first.balance_after), (None, None));
    let page = billing.list_entries(entries(i32::MAX, "")).await.unwrap().into_inner();
    assert_eq!(page.entries.len(), 12);
    service.finish().await;
}

async fn a_page_token_fits_its_own_list_only(database: Database) {
    let service = filled(&database).await;
    let mut billing = service.billing();
    let charged = [OperationState::Charged];
    let page = billing.list_operations(operations(1, "", &charged)).await.unwrap().into_inner();
    let of_operations = page.next_page_token;
    let page = billing.list_entries(entries(1, "")).await.unwrap().into_inner();
    let of_entries = page.next_page_token;

    let wrong = [
        operations(1, &of_operations, &[]),
        operations(1, &of_operations, &[OperationState::Completed]),
        operations(1, &of_entries, &charged),
        operations(1, "garbage", &charged),
        operations(1, "кириллица", &charged),
        operations(1, &"A".repeat(10_000), &charged),
        ListOperationsRequest {
            user_id: "tg:2".to_owned(),
            ..operations(1, &of_operations, &charged)
        },
    ];
    for request in wrong {
        assert_eq!(why(billing.list_operations(request).await), bad("page_token"));
    }
    let wrong = [
        entries(1, &of_operations),
        entries(1, "garbage"),
        ListEntriesRequest { user_id: "tg:2".to_owned(), ..entries(1, &of_entries) },
    ];
    for request in wrong {
        assert_eq!(why(billing.list_entries(request).await), bad("page_token"));
    }
    // The same filter, said otherwise, is the same list.
    let twice = operations(1, &of_operations, &[OperationState::Charged, OperationState::Charged]);
    assert!(billing.list_operations(twice).await.is_ok());

    assert_eq!(why(billing.list_operations(operations(-1, "", &[])).await), bad("page_size"));
    assert_eq!(why(billing.list_entries(entries(-1, "")).await), bad("page_size"));
    for state in [0, 5, -1] {
        let request = ListOperationsRequest { states: vec![1, state], ..operations(1, "", &[]) };
        assert_eq!(why(billing.list_operations(request).await), bad("states"));
    }
    service.finish().await;
}
