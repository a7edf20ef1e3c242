//! /history: what a user asked for, newest first, page by page.

use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use proto::{
    billing::v1::{ListOperationsRequest, Operation, OperationState},
    client::CallError,
};

use super::{
    BotError, account, conversation, funding, keyboard,
    session::Session,
    text::{Locale, text},
};

/// Operations on a page.
const PAGE: usize = 8;
/// What billing-svc gives at once, at most.
const BATCH: usize = 200;
/// Pages that can be leafed through.
const PAGES: u32 = 100;

/// A page, from 0; in place of the page `spot` where one was leafed.
pub async fn show(session: &Session, page: u32, spot: Option<i32>) -> Result<(), BotError> {
    let locale = session.locale;
    let page = page.min(PAGES - 1);
    let first = page as usize * PAGE;
    let operations = match newest(session, first + PAGE + 1).await {
        Ok(operations) => operations,
        Err(error) => {
            let (text, keyboard) = conversation::later(session, error.into())?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    if operations.is_empty() {
        session
            .say_at(spot, text!(locale, "history-empty"), Some(keyboard::to_menu(locale)))
            .await?;
        return Ok(());
    }
    let mut lines = vec![text!(locale, "history-title", page = page + 1)];
    for operation in operations.iter().skip(first).take(PAGE) {
        lines.push(row(operation, locale)?);
    }
    let has_older = operations.len() > first + PAGE && page + 1 < PAGES;
    session
        .say_at(spot, lines.join("\n"), Some(keyboard::history(page, has_older, locale)))
        .await?;
    Ok(())
}

/// The newest operations, so many. Telegram's buttons have no room for a page token, so pages are counted from the
/// start.
async fn newest(session: &Session, count: usize) -> Result<Vec<Operation>, CallError> {
    let mut operations = vec![];
    let mut page_token = String::new();
    while operations.len() < count {
        let request = ListOperationsRequest {
            user_id: session.user_id.clone(),
            page_size: i32::try_from((count - operations.len()).min(BATCH)).unwrap_or_default(),
            page_token,
            states: vec![],
        };
        let response = session.services.billing.list_operations(request).await?;
        operations.extend(response.operations);
        page_token = response.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(operations)
}

fn row(operation: &Operation, locale: Locale) -> Result<String, BotError> {
    let state = match operation.state() {
        OperationState::Charged => text!(locale, "state-charged"),
        OperationState::Completed => text!(locale, "state-completed"),
        OperationState::Refunded => text!(locale, "state-refunded"),
        OperationState::Declined => text!(locale, "state-declined"),
        OperationState::Unspecified => text!(locale, "state-unknown"),
    };
    let paid = funding::in_words(operation, locale)?;
    let what = if paid.is_empty() { text!(locale, "history-nothing") } else { paid };
    Ok(text!(
        locale,
        "history-row",
        time = time(operation, locale),
        kind = account::title(&operation.kind, locale),
        state = state,
        what = what,
    ))
}

/// Telegram doesn't say where a user lives: Moscow's time in Russian, UTC in English, each named.
fn time(operation: &Operation, locale: Locale) -> String {
    let offset = match locale {
        Locale::Ru => Offset::constant(3),
        Locale::En => Offset::UTC,
    };
    let created = operation.create_time.unwrap_or_default();
    let Ok(created) = Timestamp::new(created.seconds, created.nanos) else { return String::new() };
    let local = created.to_zoned(TimeZone::fixed(offset));
    format!("{} {}", local.strftime("%d.%m.%Y %H:%M"), text!(locale, "zone"))
}

#[cfg(test)]
mod tests {
    use proto::billing::v1::{
        Funding,
        funding::{Balance, Source},
    };

    use super::*;

    #[test]
    fn a_row_says_when_what_how_it_ended_and_what_paid() {
        let amount = Some(proto::money::from_micros(10_000_000, "RUB"));
        let mut operation = Operation {
            kind: "generate".to_owned(),
            create_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            funding: vec![Funding { source: Some(Source::Balance(Balance { amount })) }],
            ..Operation::default()
        };
        operation.set_state(OperationState::Completed);
        assert_eq!(
            row(&operation, Locale::Ru).unwrap(),
            "15.11.2023 01:13 МСК · 🎨 Создать · готово · 10,00\u{a0}₽ с баланса"
        );
        operation.funding.clear();
        operation.set_state(OperationState::Declined);
        assert_eq!(
            row(&operation, Locale::En).unwrap(),
            "14.11.2023 22:13 UTC · 🎨 Create · declined · nothing taken"
        );
    }
}
