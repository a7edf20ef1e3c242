//! Buttons of the top-up: what their data say, both ways, and what each does.

use super::{Provider, check};
use crate::bot::{BotError, money::Amount, press, presses::Pressed, session::Session};

/// A button of the top-up that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopUp {
    /// The amounts, in place of the message.
    Amounts,
    /// So much.
    Pack(Amount),
    /// An amount of the user's own choice.
    OwnAmount,
    /// So much in this way.
    PayBy {
        /// Who takes the money.
        provider: Provider,
        /// What is to be credited.
        amount: Amount,
    },
    /// Ask the provider about that payment now.
    Check(String),
    /// «Я оплатил, но денег нет».
    WherePaid,
}

impl TopUp {
    /// What the parts of a button's data say; `None`: it is none of these.
    pub fn of_parts(parts: &[&str]) -> Option<Self> {
        Some(match *parts {
            ["topup"] => Self::Amounts,
            ["pack", micros, currency] => Self::Pack(press::price(micros, currency)?),
            ["own"] => Self::OwnAmount,
            ["by", code, micros, currency] => Self::PayBy {
                provider: Provider::of_code(code)?,
                amount: press::price(micros, currency)?,
            },
            ["check", payment] => Self::Check(payment.to_owned()),
            ["where"] => Self::WherePaid,
            _ => return None,
        })
    }

    /// The same, written.
    pub fn data(&self) -> String {
        match self {
            Self::Amounts => "topup".to_owned(),
            Self::Pack(amount) => format!("pack:{}:{}", amount.micros, amount.currency),
            Self::OwnAmount => "own".to_owned(),
            Self::PayBy { provider, amount } => {
                format!("by:{}:{}:{}", provider.code(), amount.micros, amount.currency)
            }
            Self::Check(payment) => format!("check:{payment}"),
            Self::WherePaid => "where".to_owned(),
        }
    }
}

/// Does what the button says.
pub async fn handle(session: &Session, pressed: &Pressed, press: TopUp) -> Result<(), BotError> {
    let spot = pressed.message_id;
    match press {
        TopUp::Check(payment_id) => check::check(session, pressed, &payment_id).await,
        TopUp::WherePaid => check::where_paid(session, pressed).await,
        TopUp::Amounts => {
            pressed.answer(session).await;
            super::leave(session, spot).await
        }
        TopUp::Pack(amount) => {
            pressed.answer(session).await;
            super::choose(session, amount, spot).await
        }
        TopUp::OwnAmount => {
            pressed.answer(session).await;
            super::ask_amount(session, spot).await
        }
        TopUp::PayBy { provider, amount } => {
            pressed.answer(session).await;
            super::pay(session, provider, amount, spot).await
        }
    }
}
