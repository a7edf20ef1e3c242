//! What this deployment sells: amounts, and by which way to pay at which price. Pure.

use proto::{
    billing::v1::{PaymentMethod, PaymentProvider},
    google::r#type::Money,
    money::MoneyError,
};

use crate::bot::{
    money::Amount,
    text::{Locale, text},
};

/// Telegram's code of its Stars; a price in it has whole units.
const STARS: &str = "XTR";
/// Packs that are suggested where something is missing.
const SUGGESTED: usize = 2;

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Cards, SBP and others, on a page of its own.
    YooKassa,
    /// Telegram Stars.
    Stars,
    /// The sandbox's bank.
    Sandbox,
}

/// One way to pay.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Who takes the money.
    pub provider: Provider,
    /// What is credited and what is paid for it.
    packs: Vec<(Amount, Amount)>,
    /// The least and the most of an amount of the user's own choice.
    limits: Option<(Amount, Amount)>,
}

/// All ways to pay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offers {
    methods: Vec<Method>,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::YooKassa, Self::Stars, Self::Sandbox];

    /// As messages name it; `None`: none that this version knows.
    pub fn of(provider: PaymentProvider) -> Option<Self> {
        match provider {
            PaymentProvider::Yookassa => Some(Self::YooKassa),
            PaymentProvider::TelegramStars => Some(Self::Stars),
            PaymentProvider::Sandbox => Some(Self::Sandbox),
            PaymentProvider::Unspecified => None,
        }
    }

    /// For messages.
    pub fn to_proto(self) -> PaymentProvider {
        match self {
            Self::YooKassa => PaymentProvider::Yookassa,
            Self::Stars => PaymentProvider::TelegramStars,
            Self::Sandbox => PaymentProvider::Sandbox,
        }
    }

    /// Its code in the data of buttons.
    pub fn code(self) -> &'static str {
        match self {
            Self::YooKassa => "yk",
            Self::Stars => "xtr",
            Self::Sandbox => "sb",
        }
    }

    /// The provider of that code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.code() == code)
    }

    /// As users know it.
    pub fn title(self, locale: Locale) -> String {
        match self {
            Self::YooKassa => text!(locale, "method-yookassa"),
            Self::Stars => text!(locale, "method-stars"),
            Self::Sandbox => text!(locale, "method-sandbox"),
        }
    }
}

impl Offers {
    /// What billing-svc listed. A method that this version doesn't know is left out.
    pub fn of(methods: &[PaymentMethod]) -> Result<Self, MoneyError> {
        let known = methods.iter().filter_map(|method| {
            Provider::of(method.provider()).map(|provider| Method::of(provider, method))
        });
        Ok(Self { methods: known.collect::<Result<_, _>>()? })
    }

    /// There is no way to pay.
    pub fn is_empty(&self) -> bool {
        self.methods.is_empty()
    }

    /// The amounts that any method has as a pack, from small to large.
    pub fn packs(&self) -> Vec<Amount> {
        let packs = self.methods.iter().flat_map(|method| &method.packs);
        let mut amounts: Vec<Amount> = packs.map(|(amount, _)| amount.clone()).collect();
        amounts.sort_by_key(|amount| amount.micros);
        amounts.dedup();
        amounts
    }

    /// The widest limits of an amount of the user's own choice; `None`: packs only.
    pub fn limits(&self) -> Option<(Amount, Amount)> {
        let limits = || self.methods.iter().filter_map(|method| method.limits.as_ref());
        let least = limits().map(|(least, _)| least).min_by_key(|least| least.micros)?;
        let most = limits().map(|(_, most)| most).max_by_key(|most| most.micros)?;
        Some((least.clone(), most.clone()))
    }

    /// The methods that sell this amount, each with its price where that is known beforehand.
    pub fn selling(&self, amount: &Amount) -> Vec<(Provider, Option<Amount>)> {
        let methods = self.methods.iter();
        methods
            .filter_map(|method| match method.price(amount) {
                Some(price) => Some((method.provider, Some(price.clone()))),
                None => method.takes(amount).then_some((method.provider, None)),
            })
            .collect()
    }

    /// What to suggest to who is short of `missing`: packs that cover it, the smallest first; where none is large enough,
    /// that amount itself in whole units of the currency.
    pub fn covering(&self, missing: &Amount) -> Vec<Amount> {
        let mut packs = self.packs();
        packs.retain(|pack| pack.currency == missing.currency && pack.micros >= missing.micros);
        packs.truncate(SUGGESTED);
        if packs.is_empty()
            && let Some(whole) = missing.whole_units()
            && !self.selling(&whole).is_empty()
        {
            packs.push(whole);
        }
        packs
    }
}

impl Method {
    fn of(provider: Provider, method: &PaymentMethod) -> Result<Self, MoneyError> {
        let pack = |pack: &proto::billing::v1::TopUpPack| {
            Ok((Amount::of(pack.amount.as_ref())?, Amount::of(pack.price.as_ref())?))
        };
        let limits = match (&method.min_amount, &method.max_amount) {
            (Some(least), Some(most)) => Some((Amount::of(Some(least))?, Amount::of(Some(most))?)),
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            provider,
            packs: method.packs.iter().map(pack).collect::<Result<_, _>>()?,
            limits,
        })
    }

    fn price(&self, amount: &Amount) -> Option<&Amount> {
        self.packs.iter().find(|(pack, _)| pack == amount).map(|(_, price)| price)
    }

    fn takes(&self, amount: &Amount) -> bool {
        self.limits.as_ref().is_some_and(|(least, most)| {
            least.currency == amount.currency
                && (least.micros..=most.micros).contains(&amount.micros)
        })
    }
}

/// A price as a message says it: money with kopecks, or whole Stars.
pub fn price_words(price: Option<&Money>, locale: Locale) -> Result<String, MoneyError> {
    Ok(price_in_words(&Amount::of(price)?, locale))
}

/// The same of an amount.
pub fn price_in_words(price: &Amount, locale: Locale) -> String {
    if price.currency == STARS {
        return text!(locale, "price-stars", count = price.micros / 1_000_000);
    }
    price.asked(locale)
}

#[cfg(test)]
mod tests {
    use proto::{billing::v1::TopUpPack, money::from_micros};

    use super::*;

    fn rub(rubles: i64) -> Amount {
        Amount { micros: rubles * 1_000_000, currency: "RUB".to_owned() }
    }

    fn pack(rubles: i64, price: i64, currency: &str) -> TopUpPack {
        TopUpPack {
            amount: Some(rub(rubles).to_money()),
            price: Some(from_micros(price * 1_000_000, currency)),
        }
    }

    fn offers() -> Offers {
        let mut card = PaymentMethod {
            packs: vec![pack(100, 100, "RUB"), pack(300, 300, "RUB")],
            min_amount: Some(rub(10).to_money()),
            max_amount: Some(rub(15_000).to_money()),
            ..PaymentMethod::default()
        };
        card.set_provider(PaymentProvider::Yookassa);
        let mut stars = PaymentMethod {
            packs: vec![pack(100, 75, "XTR"), pack(500, 360, "XTR")],
            ..PaymentMethod::default()
        };
        stars.set_provider(PaymentProvider::TelegramStars);
        Offers::of(&[card, stars, PaymentMethod::default()]).unwrap()
    }

    #[test]
    fn packs_of_all_methods_are_offered_once_from_small_to_large() {
        assert_eq!(offers().packs(), [rub(100), rub(300), rub(500)]);
        assert!(Offers::of(&[PaymentMethod::default()]).unwrap().is_empty());
    }

    #[test]
    fn an_amount_is_sold_by_who_has_it_as_a_pack_or_within_limits() {
        let sold = |rubles| {
            let selling = offers().selling(&rub(rubles));
            selling.into_iter().map(|(provider, price)| {
                (provider, price.map(|price| price_in_words(&price, Locale::Ru)))
            })
        };
        let all = |rubles| sold(rubles).collect::<Vec<_>>();
        let words = |words: &str| Some(words.to_owned());
        assert_eq!(
            all(100),
            [(Provider::YooKassa, words("100,00\u{a0}₽")), (Provider::Stars, words("75 звёзд"))]
        );
        assert_eq!(all(500), [(Provider::YooKassa, None), (Provider::Stars, words("360 звёзд"))]);
        assert_eq!(all(250), [(Provider::YooKassa, None)]);
        assert_eq!(all(9), []);
        assert_eq!(all(15_001), []);
        assert_eq!(offers().limits(), Some((rub(10), rub(15_000))));
    }

    #[test]
    fn what_is_suggested_covers_what_is_missing() {
        let short = |micros| {
            let missing = Amount { micros, currency: "RUB".to_owned() };
            offers().covering(&missing)
        };
        assert_eq!(short(1), [rub(100), rub(300)]);
        assert_eq!(short(100_000_000), [rub(100), rub(300)]);
        assert_eq!(short(100_000_001), [rub(300), rub(500)]);
        assert_eq!(short(500_000_000), [rub(500)]);
        assert_eq!(short(500_000_001), [rub(501)], "no pack is enough");
        assert_eq!(short(15_000_000_001), [], "nothing that can be paid at once is");
    }

    #[test]
    fn stars_are_counted_in_the_right_plural() {
        let stars = |count: i64, locale| {
            price_words(Some(&from_micros(count * 1_000_000, "XTR")), locale).unwrap()
        };
        for (count, ru, en) in [
            (1, "1 звезда", "1 Star"),
            (2, "2 звезды", "2 Stars"),
            (5, "5 звёзд", "5 Stars"),
            (11, "11 звёзд", "11 Stars"),
            (21, "21 звезда", "21 Stars"),
            (224, "224 звезды", "224 Stars"),
            (1120, "1120 звёзд", "1120 Stars"),
        ] {
            assert_eq!(stars(count, Locale::Ru), ru);
            assert_eq!(stars(count, Locale::En), en);
        }
    }

    #[test]
    fn each_provider_has_a_code_and_a_title() {
        for provider in Provider::ALL {
            assert_eq!(Provider::of_code(provider.code()), Some(provider));
            assert_eq!(Provider::of(provider.to_proto()), Some(provider));
            assert!(!provider.title(Locale::En).is_empty());
        }
    }
}
