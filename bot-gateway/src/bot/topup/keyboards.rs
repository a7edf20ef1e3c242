//! Buttons of the top-up.

use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use url::Url;

use super::{
    TopUp,
    offers::{Offers, Provider, price_in_words},
};
use crate::bot::{
    keyboard::{button, menu_button},
    money::Amount,
    press::Press,
    text::{Locale, text},
};

/// Packs beside each other.
const PACKS_PER_ROW: usize = 2;
const AMOUNTS: Press = Press::TopUp(TopUp::Amounts);

/// Everything that can be done about the balance.
pub fn menu(offers: &Offers, locale: Locale) -> InlineKeyboardMarkup {
    let packs = offers.packs();
    let mut rows: Vec<Vec<_>> = packs
        .chunks(PACKS_PER_ROW)
        .map(|packs| packs.iter().map(|pack| pack_button(pack, locale)).collect())
        .collect();
    if offers.limits().is_some() {
        rows.push(vec![button(text!(locale, "topup-own"), &Press::TopUp(TopUp::OwnAmount))]);
    }
    if !offers.is_empty() {
        rows.push(vec![button(text!(locale, "topup-where"), &Press::TopUp(TopUp::WherePaid))]);
    }
    rows.push(vec![
        button(text!(locale, "menu-promo"), &Press::PromoCode),
        button(text!(locale, "menu-invite"), &Press::Invite),
    ]);
    rows.push(vec![button(text!(locale, "menu-history"), &Press::History(0)), menu_button(locale)]);
    InlineKeyboardMarkup::new(rows)
}

/// The ways to pay an amount, each with its price.
pub fn methods(
    amount: &Amount,
    selling: &[(Provider, Option<Amount>)],
    locale: Locale,
) -> InlineKeyboardMarkup {
    let row = |(provider, price): &(Provider, Option<Amount>)| {
        let title = provider.title(locale);
        let price = price.as_ref().map(|price| price_in_words(price, locale));
        let label = price.map_or(title.clone(), |price| format!("{title} · {price}"));
        vec![button(label, &pay_by(*provider, amount))]
    };
    let mut rows: Vec<_> = selling.iter().map(row).collect();
    rows.push(vec![button(text!(locale, "back-button"), &AMOUNTS)]);
    InlineKeyboardMarkup::new(rows)
}

/// Under a payment that waits. `link`: where it is paid; `None`: by the invoice, or it is in the text.
pub fn payment(
    payment_id: &str,
    link: Option<(String, Url)>,
    locale: Locale,
) -> InlineKeyboardMarkup {
    let mut rows = vec![];
    if let Some((label, url)) = link {
        rows.push(vec![InlineKeyboardButton::url(label, url)]);
    }
    let check = check(payment_id);
    rows.push(vec![button(text!(locale, "payment-check"), &check)]);
    // A message of its own: this one stays the payment's.
    rows.push(vec![button(text!(locale, "back-button"), &Press::Payment)]);
    InlineKeyboardMarkup::new(rows)
}

/// After a payment that could not be made: the same once more, or another amount.
pub fn again(provider: Provider, amount: &Amount, locale: Locale) -> InlineKeyboardMarkup {
    let again = pay_by(provider, amount);
    InlineKeyboardMarkup::new([
        [button(text!(locale, "retry-button"), &again)],
        [button(text!(locale, "back-button"), &AMOUNTS)],
    ])
}

/// Back to the amounts.
pub fn back(locale: Locale) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[button(text!(locale, "back-button"), &AMOUNTS)]])
}

/// Payments to ask about: id and label.
pub fn checks(payments: &[(String, String)], locale: Locale) -> InlineKeyboardMarkup {
    let mut rows: Vec<_> = payments
        .iter()
        .map(|(payment_id, label)| vec![button(label, &check(payment_id))])
        .collect();
    rows.push(vec![button(text!(locale, "menu-payment"), &Press::Payment), menu_button(locale)]);
    InlineKeyboardMarkup::new(rows)
}

/// When a payment has ended: the request that waited for it, and the menu.
pub fn ended(retry: Option<InlineKeyboardButton>, locale: Locale) -> InlineKeyboardMarkup {
    let mut rows: Vec<_> = retry.into_iter().map(|retry| vec![retry]).collect();
    rows.push(vec![button(text!(locale, "menu-payment"), &Press::Payment), menu_button(locale)]);
    InlineKeyboardMarkup::new(rows)
}

/// «Пополнить на …», one below the other.
pub fn suggestions(packs: &[Amount], locale: Locale) -> Vec<Vec<InlineKeyboardButton>> {
    let label = |pack: &Amount| text!(locale, "topup-suggest", amount = pack.asked(locale));
    packs.iter().map(|pack| vec![button(label(pack), &of_pack(pack))]).collect()
}

fn pack_button(pack: &Amount, locale: Locale) -> InlineKeyboardButton {
    button(pack.asked(locale), &of_pack(pack))
}

fn of_pack(pack: &Amount) -> Press {
    Press::TopUp(TopUp::Pack(pack.clone()))
}

fn pay_by(provider: Provider, amount: &Amount) -> Press {
    Press::TopUp(TopUp::PayBy { provider, amount: amount.clone() })
}

fn check(payment_id: &str) -> Press {
    Press::TopUp(TopUp::Check(payment_id.to_owned()))
}

#[cfg(test)]
mod tests {
    use proto::{
        billing::v1::{PaymentMethod, PaymentProvider, TopUpPack},
        money::from_micros,
    };
    use teloxide::types::InlineKeyboardButtonKind;

    use super::*;

    #[test]
    fn no_button_is_dead_or_too_long() {
        let id = "01936d2e-7c1a-7bbb-8ccc-0123456789ab";
        let money = |micros| Some(from_micros(micros, "RUB"));
        let mut method = PaymentMethod {
            packs: vec![TopUpPack { amount: money(i64::MAX), price: money(i64::MAX) }],
            min_amount: money(1),
            max_amount: money(i64::MAX),
            ..PaymentMethod::default()
        };
        method.set_provider(PaymentProvider::Yookassa);
        let offers = Offers::of(&[method]).unwrap();
        let amount = Amount { micros: i64::MAX, currency: "RUB".to_owned() };
        for locale in Locale::ALL {
            let link = ("Pay".to_owned(), Url::parse("https://pay.example/1").unwrap());
            let asked = [(id.to_owned(), "1".to_owned())];
            let keyboards = [
                menu(&offers, locale),
                methods(&amount, &offers.selling(&amount), locale),
                payment(id, Some(link), locale),
                again(Provider::Stars, &amount, locale),
                back(locale),
                checks(&asked, locale),
                ended(None, locale),
                InlineKeyboardMarkup::new(suggestions(std::slice::from_ref(&amount), locale)),
            ];
            for button in
                keyboards.iter().flat_map(|keyboard| keyboard.inline_keyboard.iter().flatten())
            {
                assert!(!button.text.trim().is_empty());
                match &button.kind {
                    InlineKeyboardButtonKind::CallbackData(data) => {
                        assert!(data.len() <= 64, "{data}");
                        assert_ne!(Press::of_data(data), Press::Old, "{data}");
                    }
                    InlineKeyboardButtonKind::Url(url) => assert_eq!(url.scheme(), "https"),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
