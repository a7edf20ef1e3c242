//! What something costs and what pays for it, in words.

use proto::billing::v1::{
    Funding, GetUserInfoRequest, Operation, QuoteRequest, QuoteResponse, Standing, UserInfo,
    funding::Source,
};

use super::{
    BotError, account,
    kind::Kind,
    money::Amount,
    session::Session,
    text::{Locale, text},
    topup,
};

/// What a charge would cost now.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The most that the charge may take.
    pub price: Amount,
    /// What keeps the user from paying; `None`: nothing.
    pub lacking: Option<Lack>,
    /// The price and what will pay for it, or what is missing; some lines.
    pub words: String,
}

/// What keeps a user from paying.
#[derive(Clone, Debug, PartialEq)]
pub enum Lack {
    /// So much is missing, or owed.
    Money(Amount),
    /// An administrator blocked the user.
    Blocked,
}

impl Lack {
    /// What to suggest for it.
    pub async fn packs(&self, session: &Session) -> Vec<Amount> {
        match self {
            Self::Money(missing) => packs_for(session, missing).await,
            Self::Blocked => vec![],
        }
    }
}

/// Packs that cover what is missing; none where the ways to pay can't be asked for: the way to the balance is there.
pub async fn packs_for(session: &Session, missing: &Amount) -> Vec<Amount> {
    match topup::ask(session).await {
        Ok(offers) => offers.covering(missing),
        Err(error) => {
            tracing::warn!(%error, "no pack is suggested");
            vec![]
        }
    }
}

/// Asks billing-svc what `kind` costs this user.
pub async fn quote(session: &Session, kind: Kind) -> Result<Quoted, BotError> {
    let billing = &session.services.billing;
    let request = QuoteRequest {
        user_id: session.user_id.clone(),
        kind: kind.name().to_owned(),
        quantity: 1,
    };
    let (quote, user) = tokio::try_join!(
        billing.quote(request),
        billing.get_user_info(GetUserInfoRequest { user_id: session.user_id.clone() }),
    )?;
    let user = user.user.unwrap_or_default();
    let price = Amount::of(quote.price.as_ref())?;
    let (words, lacking) = match user.standing() {
        Standing::Blocked => (text!(session.locale, "refuse-blocked"), Some(Lack::Blocked)),
        Standing::InDebt => {
            let owed = account::owed(&user)?;
            let words = text!(session.locale, "refuse-debt", owed = owed.asked(session.locale));
            (words, Some(Lack::Money(owed)))
        }
        Standing::Good | Standing::Unspecified => priced(session, &quote, &user, &price)?,
    };
    Ok(Quoted { price, lacking, words })
}

fn priced(
    session: &Session,
    quote: &QuoteResponse,
    user: &UserInfo,
    price: &Amount,
) -> Result<(String, Option<Lack>), BotError> {
    if quote.affordable {
        let left = user.free_operations_left - free_units(&quote.funding);
        let price = text!(session.locale, "price-line", price = price.asked(session.locale));
        let pays = will_pay(&quote.funding, left, user.free_operations_total, session.locale)?;
        return Ok((format!("{price}\n{pays}"), None));
    }
    let available = Amount::of(user.balance.as_ref())?;
    let short = Amount::of(quote.missing.as_ref())?;
    let words = missing(price, &available, &short, session.locale);
    Ok((words, Some(Lack::Money(short))))
}

/// What is missing, of which price, with how much there.
pub fn missing(price: &Amount, available: &Amount, missing: &Amount, locale: Locale) -> String {
    text!(
        locale,
        "fund-missing",
        missing = missing.asked(locale),
        price = price.asked(locale),
        available = available.there(locale),
    )
}

/// What a charge took.
pub fn taken(operation: &Operation, user: &UserInfo, locale: Locale) -> Result<String, BotError> {
    let parts = money_parts(&operation.funding, locale)?;
    if parts.is_empty() && free_units(&operation.funding) > 0 {
        let (left, total) = (user.free_operations_left, user.free_operations_total);
        return Ok(text!(locale, "taken-free", left = left, total = total));
    }
    Ok(text!(locale, "taken", what = in_words(operation, locale)?))
}

/// What pays for an operation, in a few words; empty when nothing was taken.
pub fn in_words(operation: &Operation, locale: Locale) -> Result<String, BotError> {
    let mut parts = money_parts(&operation.funding, locale)?;
    if free_units(&operation.funding) > 0 {
        parts.insert(0, text!(locale, "fund-free-short"));
    }
    Ok(parts.join(" + "))
}

fn will_pay(
    funding: &[Funding],
    left: i64,
    total: i64,
    locale: Locale,
) -> Result<String, BotError> {
    let mut parts = money_parts(funding, locale)?;
    if free_units(funding) > 0 {
        parts.insert(0, text!(locale, "fund-free", left = left, total = total));
    }
    Ok(parts.join(" + "))
}

fn free_units(funding: &[Funding]) -> i64 {
    funding
        .iter()
        .map(|slice| match &slice.source {
            Some(Source::FreeOperations(free)) => free.count,
            Some(Source::Promotional(_) | Source::Balance(_)) | None => 0,
        })
        .sum()
}

fn money_parts(funding: &[Funding], locale: Locale) -> Result<Vec<String>, BotError> {
    let mut parts = vec![];
    for slice in funding {
        match &slice.source {
            Some(Source::Promotional(promo)) => {
                let amount = Amount::of(promo.amount.as_ref())?.asked(locale);
                parts.push(text!(locale, "fund-promo", amount = amount));
            }
            Some(Source::Balance(balance)) => {
                let amount = Amount::of(balance.amount.as_ref())?.asked(locale);
                parts.push(text!(locale, "fund-balance", amount = amount));
            }
            Some(Source::FreeOperations(_)) | None => {}
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proto::billing::v1::funding::{Balance, FreeOperations, Promotional};

    use super::*;

    fn slice(source: Source) -> Funding {
        Funding { source: Some(source) }
    }

    fn free() -> Funding {
        slice(Source::FreeOperations(FreeOperations { count: 1, grant_id: "g".to_owned() }))
    }

    fn promo(micros: i64) -> Funding {
        let amount = Some(proto::money::from_micros(micros, "RUB"));
        slice(Source::Promotional(Promotional { amount, grant_id: "p".to_owned() }))
    }

    fn balance(micros: i64) -> Funding {
        slice(Source::Balance(Balance { amount: Some(proto::money::from_micros(micros, "RUB")) }))
    }

    #[test]
    fn what_will_pay_is_said_in_the_words_of_the_design() {
        for (funding, words) in [
            (vec![free()], "Бесплатная операция (останется 2 из 3)"),
            (vec![balance(10_000_000)], "10,00\u{a0}₽ с баланса"),
            (
                vec![promo(4_000_000), balance(6_000_000)],
                "4,00\u{a0}₽ бонусами + 6,00\u{a0}₽ с баланса",
            ),
        ] {
            assert_eq!(will_pay(&funding, 2, 3, Locale::Ru).unwrap(), words);
        }
    }

    #[test]
    fn what_was_taken_is_said() {
        let user =
            UserInfo { free_operations_left: 2, free_operations_total: 3, ..UserInfo::default() };
        for (funding, words) in [
            (vec![free()], "Списана бесплатная операция (осталось 2 из 3)"),
            (vec![balance(10_000_000)], "Списано: 10,00\u{a0}₽ с баланса"),
        ] {
            let operation = Operation { funding, ..Operation::default() };
            assert_eq!(taken(&operation, &user, Locale::Ru).unwrap(), words);
        }
    }

    #[test]
    fn what_is_missing_never_looks_like_nothing() {
        let rub = |micros| Amount { micros, currency: "RUB".to_owned() };
        assert_eq!(
            missing(&rub(10_000_000), &rub(9_999_999), &rub(1), Locale::Ru),
            "Не хватает 0,01\u{a0}₽.\nЦена: 10,00\u{a0}₽, на балансе: 9,99\u{a0}₽."
        );
    }
}
