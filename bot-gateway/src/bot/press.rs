//! Buttons: what each one's callback data says, both ways.
//!
//! The main menu's data are bare words, a contract with other programs. All others begin with a version, so that
//! a button of a message from before a change is known as such ([`Press::Old`]) and answered helpfully. Telegram
//! allows 64 bytes; a test meets the longest.

use super::{kind::Kind, money::Amount, text::Locale, topup::TopUp};
use crate::delivery;

const VERSION: &str = "v1";
const PAYMENT_MENU: &str = "payment_menu";

/// A button that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Of the main menu: begin a dialogue.
    Begin(Kind),
    /// Of the main menu: balance and top-up.
    Payment,
    /// Show the main menu.
    Menu,
    /// Of the top-up.
    TopUp(TopUp),
    /// The complete request that waited for money, once more.
    Retry {
        /// Its dialogue.
        id: i64,
        /// The most that it may cost.
        price: Amount,
    },
    /// Ask for a promo code.
    PromoCode,
    /// Show how to invite somebody.
    Invite,
    /// Show the settings.
    Settings,
    /// Switch "ask before charging".
    AskFirst(bool),
    /// Speak this language.
    Language(Locale),
    /// «Готово»: no more photos in this dialogue.
    PhotosDone(i64),
    /// Do this with the photos of an offer.
    Choose {
        /// The offer.
        id: i64,
        /// What to do.
        kind: Kind,
        /// The price on the button.
        price: Amount,
    },
    /// Yes.
    Confirm {
        /// The dialogue.
        id: i64,
        /// The price on the button.
        price: Amount,
    },
    /// No.
    Decline(i64),
    /// A page of the history, from 0.
    History(u32),
    /// The same request once more.
    Again(String),
    /// Upscale a picture of that operation's result.
    Upscale(Picture),
    /// Edit a picture of that operation's result.
    Edit(Picture),
    /// Cancel a job that has not started.
    CancelJob(String),
    /// Send a result again.
    Show(String),
    /// Of a message from before a change, or of nobody's.
    Old,
}

/// One picture of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Whose result.
    pub operation_id: String,
    /// From 0.
    pub index: usize,
}

impl Press {
    /// What the data of a button say.
    pub fn of_data(data: &str) -> Self {
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.menu_data() == data) {
            return Self::Begin(kind);
        }
        if data == PAYMENT_MENU {
            return Self::Payment;
        }
        if let Some(operation_id) = delivery::operation_of_show_callback(data) {
            return Self::Show(operation_id.to_owned());
        }
        let parts: Vec<&str> = data.split(':').collect();
        match parts.split_first() {
            Some((&VERSION, rest)) => Self::of_parts(rest).unwrap_or(Self::Old),
            _ => Self::Old,
        }
    }

    fn of_parts(parts: &[&str]) -> Option<Self> {
        Some(match *parts {
            ["menu"] => Self::Menu,
            ["retry", micros, currency, id] => {
                Self::Retry { id: id.parse().ok()?, price: price(micros, currency)? }
            }
            ["promo"] => Self::PromoCode,
            ["invite"] => Self::Invite,
            ["settings"] => Self::Settings,
            ["ask", "on"] => Self::AskFirst(true),
            ["ask", "off"] => Self::AskFirst(false),
            ["lang", code] => Self::Language(Locale::of_code(code)?),
            ["done", id] => Self::PhotosDone(id.parse().ok()?),
            ["use", kind, micros, currency, id] => Self::Choose {
                id: id.parse().ok()?,
                kind: Kind::of_name(kind)?,
                price: price(micros, currency)?,
            },
            ["yes", micros, currency, id] => {
                Self::Confirm { id: id.parse().ok()?, price: price(micros, currency)? }
            }
            ["no", id] => Self::Decline(id.parse().ok()?),
            ["history", page] => Self::History(page.parse().ok()?),
            ["again", operation] => Self::Again(operation.to_owned()),
            ["up", operation, index] => Self::Upscale(Picture::of(operation, index)?),
            ["edit", operation, index] => Self::Edit(Picture::of(operation, index)?),
            ["stop", operation] => Self::CancelJob(operation.to_owned()),
            _ => return TopUp::of_parts(parts).map(Self::TopUp),
        })
    }

    /// The data of such a button.
    pub fn data(&self) -> String {
        let rest = match self {
            Self::Begin(kind) => return kind.menu_data().to_owned(),
            Self::Payment => return PAYMENT_MENU.to_owned(),
            Self::Show(operation_id) => return delivery::show_callback(operation_id),
            Self::Menu => "menu".to_owned(),
            Self::TopUp(press) => press.data(),
            Self::Retry { id, price } => format!("retry:{}:{}:{id}", price.micros, price.currency),
            Self::PromoCode => "promo".to_owned(),
            Self::Invite => "invite".to_owned(),
            Self::Settings => "settings".to_owned(),
            Self::AskFirst(on) => format!("ask:{}", if *on { "on" } else { "off" }),
            Self::Language(locale) => format!("lang:{}", locale.code()),
            Self::PhotosDone(id) => format!("done:{id}"),
            Self::Choose { id, kind, price } => {
                format!("use:{}:{}:{}:{id}", kind.name(), price.micros, price.currency)
            }
            Self::Confirm { id, price } => format!("yes:{}:{}:{id}", price.micros, price.currency),
            Self::Decline(id) => format!("no:{id}"),
            Self::History(page) => format!("history:{page}"),
            Self::Again(operation) => format!("again:{operation}"),
            Self::Upscale(Picture { operation_id, index }) => format!("up:{operation_id}:{index}"),
            Self::Edit(Picture { operation_id, index }) => format!("edit:{operation_id}:{index}"),
            Self::CancelJob(operation) => format!("stop:{operation}"),
            Self::Old => "old".to_owned(),
        };
        format!("{VERSION}:{rest}")
    }
}

/// An amount as two parts of a button's data.
pub fn price(micros: &str, currency: &str) -> Option<Amount> {
    Some(Amount { micros: micros.parse().ok()?, currency: currency.to_owned() })
}

impl Picture {
    fn of(operation_id: &str, index: &str) -> Option<Self> {
        Some(Self { operation_id: operation_id.to_owned(), index: index.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::topup::Provider;

    const OPERATION: &str = "01936d2e-7c1a-7bbb-8ccc-0123456789ab";

    fn each() -> Vec<Press> {
        let price = Amount { micros: i64::MAX, currency: "RUB".to_owned() };
        let picture = Picture { operation_id: OPERATION.to_owned(), index: 9 };
        let mut all = vec![
            Press::TopUp(TopUp::Amounts),
            Press::TopUp(TopUp::Pack(price.clone())),
            Press::TopUp(TopUp::OwnAmount),
            Press::TopUp(TopUp::Check(OPERATION.to_owned())),
            Press::TopUp(TopUp::WherePaid),
            Press::Retry { id: i64::from(u32::MAX), price: price.clone() },
            Press::PromoCode,
            Press::Invite,
            Press::Payment,
            Press::Menu,
            Press::Settings,
            Press::AskFirst(true),
            Press::AskFirst(false),
            Press::PhotosDone(i64::from(u32::MAX)),
            Press::Confirm { id: i64::from(u32::MAX), price: price.clone() },
            Press::Decline(i64::from(u32::MAX)),
            Press::History(u32::MAX),
            Press::Again(OPERATION.to_owned()),
            Press::Upscale(picture.clone()),
            Press::Edit(picture),
            Press::CancelJob(OPERATION.to_owned()),
            Press::Show(OPERATION.to_owned()),
        ];
        all.extend(Kind::ALL.map(Press::Begin));
        all.extend(Locale::ALL.map(Press::Language));
        all.extend(
            Provider::ALL
                .map(|provider| Press::TopUp(TopUp::PayBy { provider, amount: price.clone() })),
        );
        all.extend(Kind::ALL.map(|kind| Press::Choose {
            id: i64::from(u32::MAX),
            kind,
            price: price.clone(),
        }));
        all
    }

    #[test]
    fn each_button_says_what_it_is_in_64_bytes() {
        for press in each() {
            let data = press.data();
            assert!(data.len() <= 64, "{data}");
            assert_eq!(Press::of_data(&data), press);
        }
    }

    #[test]
    fn the_main_menu_has_the_data_of_the_contract() {
        let data: Vec<_> = Kind::ALL.map(|kind| Press::Begin(kind).data()).into();
        assert_eq!(
            data,
            ["create", "edit", "merge", "add_text", "face_swap", "retouch", "upscale"]
        );
        assert_eq!(Press::Payment.data(), "payment_menu");
    }

    #[test]
    fn data_of_nobody_are_an_old_button() {
        for data in [
            "",
            "generate",
            "v0:menu",
            "v1",
            "v1:",
            "v1:use:fly:1:RUB:1",
            "v1:yes:x:RUB:1",
            "v1:lang:fr",
            "v1:by:bank:1:RUB",
            "pay:5",
        ] {
            assert_eq!(Press::of_data(data), Press::Old, "{data}");
        }
    }
}
