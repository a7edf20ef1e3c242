//! Greeting, menu, balance, prices.

use std::time::Duration;

use proto::{
    billing::v1::{GetUserInfoRequest, ListPricesRequest, Standing, UserInfo},
    images::v1::RetryDeliveriesRequest,
    money::MoneyError,
};

use super::{
    BotError, conversation, invite, keyboard,
    kind::Kind,
    money::Amount,
    session::Session,
    text::{Locale, say, text},
};

/// What a chat waits for the worker where it could do without.
pub const WORKER_PATIENCE: Duration = Duration::from_secs(3);

/// /start, with a link's `parameter` or none: greets, notes who invited, and asks the worker for what waited while the user had blocked the bot.
pub async fn start(session: &Session, parameter: &str) -> Result<(), BotError> {
    let locale = session.locale;
    // Before the invitation writes the user: who is new is greeted as such.
    let user = user_info(session).await;
    let invited = invite::accept(session, parameter).await?;
    session.keep(&session.state().await?.ended()).await?;
    let greeting = match &user {
        // Never written: not charged, paid or given anything yet.
        Ok(user) if user.version == 0 => {
            text!(locale, "start-new", left = user.free_operations_left)
        }
        Ok(user) => format!("{}\n\n{}", text!(locale, "start-again"), balance_words(user, locale)?),
        Err(error) => {
            tracing::warn!(%error, "the greeting goes without a balance");
            text!(locale, "start-again")
        }
    };
    let greeting = invited.map_or(greeting.clone(), |invited| format!("{greeting}\n\n{invited}"));
    session.say(greeting, Some(keyboard::menu(locale))).await?;
    let waiting = RetryDeliveriesRequest { user_id: session.user_id.clone() };
    let answer = tokio::time::timeout(WORKER_PATIENCE, async {
        session.services.images.retry_deliveries(waiting).await.map_err(BotError::from)
    });
    match answer.await.unwrap_or_else(|_| Err(BotError::defect("the worker takes too long"))) {
        Ok(response) if response.count > 0 => {
            session.say(text!(locale, "start-waiting", count = response.count), None).await?;
        }
        Ok(_) => {}
        // The worker tries by itself as well, only later.
        Err(error) => tracing::warn!(%error, "waiting results could not be asked for"),
    }
    Ok(())
}

/// Ends the dialogue and shows the menu.
pub async fn menu(session: &Session) -> Result<(), BotError> {
    session.keep(&session.state().await?.ended()).await?;
    session.say(text!(session.locale, "menu-title"), Some(keyboard::menu(session.locale))).await?;
    Ok(())
}

/// /balance.
pub async fn balance(session: &Session) -> Result<(), BotError> {
    let (text, keyboard) = match user_info(session).await {
        Ok(user) => {
            (balance_words(&user, session.locale)?, Some(keyboard::balance(session.locale)))
        }
        Err(error) => conversation::later(session, error)?,
    };
    session.say(text, keyboard).await?;
    Ok(())
}

/// /prices.
pub async fn prices(session: &Session) -> Result<(), BotError> {
    let locale = session.locale;
    let list = session.services.billing.list_prices(ListPricesRequest {}).await;
    let (text, keyboard) = match list {
        Ok(list) => {
            let mut lines = vec![text!(locale, "prices-title")];
            for price in &list.prices {
                let amount = Amount::of(price.price.as_ref())?.asked(locale);
                let row =
                    text!(locale, "prices-row", kind = title(&price.kind, locale), price = amount);
                let free = price.free_operations_allowed.then(|| text!(locale, "prices-free"));
                lines.push(free.map_or(row.clone(), |free| format!("{row} ({free})")));
            }
            (lines.join("\n"), Some(keyboard::to_menu(locale)))
        }
        Err(error) => conversation::later(session, error.into())?,
    };
    session.say(text, keyboard).await?;
    Ok(())
}

/// The title of a kind; one that the bot doesn't know goes by its name.
pub fn title(kind: &str, locale: Locale) -> String {
    Kind::of_name(kind).map_or_else(|| kind.to_owned(), |kind| say(locale, kind.title_key(), &[]))
}

/// What the user has.
pub async fn user_info(session: &Session) -> Result<UserInfo, BotError> {
    let request = GetUserInfoRequest { user_id: session.user_id.clone() };
    Ok(session.services.billing.get_user_info(request).await?.user.unwrap_or_default())
}

/// Balance, free operations, what is held, what is owed; some lines.
pub fn balance_words(user: &UserInfo, locale: Locale) -> Result<String, BotError> {
    // A plain space here: the line is a contract with other programs, to the letter.
    let balance = Amount::of(user.balance.as_ref())?.there(locale).replace('\u{a0}', " ");
    let mut lines = vec![
        text!(locale, "balance-line", amount = balance),
        text!(
            locale,
            "free-line",
            left = user.free_operations_left,
            total = user.free_operations_total
        ),
    ];
    let held = Amount::of(user.held.as_ref())?;
    if held.micros > 0 {
        lines.push(text!(locale, "held-line", amount = held.there(locale)));
    }
    match user.standing() {
        Standing::InDebt => {
            lines.push(text!(locale, "standing-debt", owed = owed(user)?.asked(locale)));
        }
        Standing::Blocked => lines.push(text!(locale, "standing-blocked")),
        Standing::Good | Standing::Unspecified => {}
    }
    Ok(lines.join("\n"))
}

/// What the next top-up repays first; zero for who owes nothing.
pub fn owed(user: &UserInfo) -> Result<Amount, MoneyError> {
    let paid = Amount::of(user.paid_balance.as_ref())?;
    Ok(Amount { micros: paid.micros.saturating_neg().max(0), currency: paid.currency })
}

#[cfg(test)]
mod tests {
    use proto::money::from_micros;

    use super::*;

    #[test]
    fn the_balance_is_said_in_the_words_of_the_contract() {
        let mut user = UserInfo {
            balance: Some(from_micros(12_500_000, "RUB")),
            held: Some(from_micros(0, "RUB")),
            free_operations_left: 2,
            free_operations_total: 3,
            ..UserInfo::default()
        };
        assert_eq!(
            balance_words(&user, Locale::Ru).unwrap(),
            "Баланс: 12,50 ₽\nБесплатных операций: 2 из 3"
        );
        assert_eq!(
            balance_words(&user, Locale::En).unwrap(),
            "Balance: 12.50 ₽\nFree operations: 2 of 3"
        );
        user.held = Some(from_micros(10_000_000, "RUB"));
        user.paid_balance = Some(from_micros(-15_500_000, "RUB"));
        user.set_standing(Standing::InDebt);
        let words = balance_words(&user, Locale::Ru).unwrap();
        assert!(
            words.contains("Сейчас в работе: 10,00\u{a0}₽") && words.contains("долг 15,50\u{a0}₽"),
            "{words}"
        );
    }
}
