//! /history: what a user asked for and paid in, newest first, page by page.

use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use proto::{
    billing::v1::{
        HistoryItem, ListHistoryRequest, Operation, OperationState, ParkReason, Payment,
        PaymentRefund, PaymentState, RefundState, history_item::Item,
    },
    client::CallError,
    money::MoneyError,
};

use super::{
    BotError, account, conversation, funding, keyboard,
    money::Amount,
    session::Session,
    text::{Locale, text},
    topup::{check, price_words},
};

/// Rows on a page.
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
    let items = match newest(session, first + PAGE + 1).await {
        Ok(items) => items,
        Err(error) => {
            let (text, keyboard) = conversation::later(session, error.into())?;
            session.say(text, keyboard).await?;
            return Ok(());
        }
    };
    if items.is_empty() {
        session
            .say_at(spot, text!(locale, "history-empty"), Some(keyboard::to_menu(locale)))
            .await?;
        return Ok(());
    }
    let mut lines = vec![text!(locale, "history-title", page = page + 1)];
    for item in items.iter().skip(first).take(PAGE).filter_map(|item| item.item.as_ref()) {
        lines.push(match item {
            Item::Operation(operation) => operation_row(operation, locale)?,
            Item::Payment(payment) => payment_row(payment, locale)?,
            Item::Refund(refund) => refund_row(refund, locale)?,
        });
    }
    let has_older = items.len() > first + PAGE && page + 1 < PAGES;
    session
        .say_at(spot, lines.join("\n"), Some(keyboard::history(page, has_older, locale)))
        .await?;
    Ok(())
}

/// The newest items, so many. Telegram's buttons have no room for a page token, so pages are counted from the start.
async fn newest(session: &Session, count: usize) -> Result<Vec<HistoryItem>, CallError> {
    let mut items = vec![];
    let mut page_token = String::new();
    while items.len() < count {
        let request = ListHistoryRequest {
            user_id: session.user_id.clone(),
            page_size: i32::try_from((count - items.len()).min(BATCH)).unwrap_or_default(),
            page_token,
        };
        let response = session.services.payments.list_history(request).await?;
        items.extend(response.items);
        page_token = response.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(items)
}

fn operation_row(operation: &Operation, locale: Locale) -> Result<String, BotError> {
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
        time = time(operation.create_time, locale),
        kind = account::title(&operation.kind, locale),
        state = state,
        what = what,
    ))
}

/// A top-up in one line: when, how, where it stands, how much.
pub fn payment_row(payment: &Payment, locale: Locale) -> Result<String, MoneyError> {
    let state = match payment.state() {
        PaymentState::Created | PaymentState::Pending => text!(locale, "payment-state-waiting"),
        PaymentState::Paid => match payment.park_reason() {
            ParkReason::Unspecified => text!(locale, "payment-state-paid"),
            ParkReason::AmountMismatch
            | ParkReason::CurrencyMismatch
            | ParkReason::BalanceLimit => text!(locale, "payment-state-parked"),
        },
        PaymentState::Credited => text!(locale, "payment-state-credited"),
        PaymentState::Canceled => text!(locale, "payment-state-canceled"),
        PaymentState::Expired => text!(locale, "payment-state-expired"),
        PaymentState::Refunded => text!(locale, "payment-state-refunded"),
        PaymentState::Disputed => text!(locale, "payment-state-disputed"),
        PaymentState::Unspecified => text!(locale, "state-unknown"),
    };
    let amount = match payment.state() {
        // What came, which is not what was promised where a person has decided.
        PaymentState::Credited | PaymentState::Refunded | PaymentState::Disputed => {
            format!("+{}", Amount::of(payment.credited.as_ref())?.there(locale))
        }
        PaymentState::Created
        | PaymentState::Pending
        | PaymentState::Paid
        | PaymentState::Canceled
        | PaymentState::Expired
        | PaymentState::Unspecified => Amount::of(payment.amount.as_ref())?.asked(locale),
    };
    Ok(text!(
        locale,
        "history-row",
        time = time(payment.create_time, locale),
        kind = text!(locale, "history-payment", method = check::method(payment, locale)),
        state = state,
        what = amount,
    ))
}

fn refund_row(refund: &PaymentRefund, locale: Locale) -> Result<String, MoneyError> {
    let state = match refund.state() {
        RefundState::Pending => text!(locale, "refund-state-pending"),
        RefundState::Succeeded => text!(locale, "refund-state-succeeded"),
        RefundState::Reversed => text!(locale, "refund-state-reversed"),
        RefundState::Unspecified => text!(locale, "state-unknown"),
    };
    let taken = Amount::of(refund.amount.as_ref())?;
    let what = if taken.micros == 0 {
        // Never credited: what the payer gets says more than nothing.
        price_words(refund.price.as_ref(), locale)?
    } else if refund.state() == RefundState::Reversed {
        taken.there(locale)
    } else {
        format!("−{}", taken.asked(locale))
    };
    Ok(text!(
        locale,
        "history-row",
        time = time(refund.create_time, locale),
        kind = text!(locale, "history-refund"),
        state = state,
        what = what,
    ))
}

/// Telegram doesn't say where a user lives: Moscow's time in Russian, UTC in English, each named.
pub fn time(at: Option<prost_types::Timestamp>, locale: Locale) -> String {
    let offset = match locale {
        Locale::Ru => Offset::constant(3),
        Locale::En => Offset::UTC,
    };
    let at = at.unwrap_or_default();
    let Ok(at) = Timestamp::new(at.seconds, at.nanos) else { return String::new() };
    let local = at.to_zoned(TimeZone::fixed(offset));
    format!("{} {}", local.strftime("%d.%m.%Y %H:%M"), text!(locale, "zone"))
}

#[cfg(test)]
mod tests {
    use proto::{
        billing::v1::{
            Funding, PaymentProvider,
            funding::{Balance, Source},
        },
        money::from_micros,
    };

    use super::*;

    const RUBLE: i64 = 1_000_000;
    const TIME: Option<prost_types::Timestamp> =
        Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });

    #[test]
    fn a_row_says_when_what_how_it_ended_and_what_paid() {
        let amount = Some(from_micros(10 * RUBLE, "RUB"));
        let mut operation = Operation {
            kind: "generate".to_owned(),
            create_time: TIME,
            funding: vec![Funding { source: Some(Source::Balance(Balance { amount })) }],
            ..Operation::default()
        };
        operation.set_state(OperationState::Completed);
        assert_eq!(
            operation_row(&operation, Locale::Ru).unwrap(),
            "15.11.2023 01:13 МСК · 🎨 Создать · готово · 10,00\u{a0}₽ с баланса"
        );
        operation.funding.clear();
        operation.set_state(OperationState::Declined);
        assert_eq!(
            operation_row(&operation, Locale::En).unwrap(),
            "14.11.2023 22:13 UTC · 🎨 Create · declined · nothing taken"
        );
    }

    #[test]
    fn a_payment_says_what_came_of_it() {
        let mut payment = Payment {
            amount: Some(from_micros(300 * RUBLE, "RUB")),
            credited: Some(from_micros(250 * RUBLE, "RUB")),
            create_time: TIME,
            ..Payment::default()
        };
        payment.set_provider(PaymentProvider::TelegramStars);
        payment.set_state(PaymentState::Pending);
        assert_eq!(
            payment_row(&payment, Locale::Ru).unwrap(),
            "15.11.2023 01:13 МСК · Пополнение, ⭐ Telegram Stars · ждёт оплаты · 300,00\u{a0}₽"
        );
        payment.set_state(PaymentState::Credited);
        let row = payment_row(&payment, Locale::En).unwrap();
        assert!(row.ends_with(" · credited · +250.00\u{a0}₽"), "{row}");
        payment.set_state(PaymentState::Paid);
        payment.set_park_reason(ParkReason::AmountMismatch);
        let row = payment_row(&payment, Locale::Ru).unwrap();
        assert!(row.contains("проверяем"), "{row}");
    }

    #[test]
    fn a_refund_says_what_it_took() {
        let mut refund = PaymentRefund {
            amount: Some(from_micros(100 * RUBLE, "RUB")),
            price: Some(from_micros(75 * RUBLE, "XTR")),
            create_time: TIME,
            ..PaymentRefund::default()
        };
        for (state, end) in [
            (RefundState::Pending, "в пути · −100,00\u{a0}₽"),
            (RefundState::Succeeded, "выполнен · −100,00\u{a0}₽"),
            (RefundState::Reversed, "вернулось на баланс · 100,00\u{a0}₽"),
        ] {
            refund.set_state(state);
            let row = refund_row(&refund, Locale::Ru).unwrap();
            assert!(row.ends_with(end) && row.contains("Возврат пополнения"), "{row}");
        }
        refund.amount = Some(from_micros(0, "RUB"));
        refund.set_state(RefundState::Succeeded);
        let row = refund_row(&refund, Locale::Ru).unwrap();
        assert!(row.ends_with("· 75 звёзд"), "never credited: {row}");
    }
}
