//! Texts and keyboards of what [`crate::notices`] tells unasked.

use std::time::SystemTime;

use proto::{
    billing::v1::{GetPaymentRequest, GetUserInfoRequest, Payment, PaymentState, UserInfo},
    money::MoneyError,
};

use super::{
    BotError, charge, history,
    money::Amount,
    render::Rendered,
    text::{Locale, text},
    topup::{check, keyboards, price_words},
};
use crate::{
    Services,
    notices::{DisputeStep, Gift, GiftFrom, News, StandingStep},
    store::RequestState,
};

/// A payment whose refund failed is credited once more as far as events go: this long after its credit, in seconds, such an
/// event is not of money that arrives. (Those that come sooner are known in the queue.)
const ARRIVED_LONG_AGO: i64 = 24 * 3600;

/// What is to be said.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    /// The payment, and what its own message is to say from now on.
    pub payment: Option<(String, Rendered)>,
    /// A new message.
    pub message: Option<Rendered>,
}

/// Whom to speak to.
pub(crate) struct Listener<'a> {
    /// `tg:<telegram id>`.
    pub user_id: &'a str,
    /// Their private chat.
    pub chat_id: i64,
    /// What they are served with.
    pub services: &'a Services,
    locale: Locale,
}

impl<'a> Listener<'a> {
    /// A user who has not asked: in the language that they chose, or that of their Telegram when it was last seen.
    pub async fn of(
        user_id: &'a str,
        chat_id: i64,
        services: &'a Services,
    ) -> Result<Self, BotError> {
        let settings = services.store.user_settings(user_id).await?;
        let locale = Locale::of_user(settings.locale.as_deref(), settings.language_code.as_deref());
        Ok(Self { user_id, chat_id, services, locale })
    }

    /// What to say about `news`, as things stand now.
    pub async fn hears(&self, news: &News) -> Result<Notice, BotError> {
        let payment = match payment_of(news) {
            Some(payment_id) => Some(self.payment(payment_id).await?),
            None => None,
        };
        let message = match news {
            News::Credited { amount, time, .. } => self.credited(amount, *time, &payment).await?,
            News::OperationRefunded { operation_id, .. }
                if !self.has_result(operation_id).await? =>
            {
                None
            }
            News::Parked { .. }
            | News::Payment { .. }
            | News::Refunded { .. }
            | News::RefundReversed { .. }
            | News::Dispute { .. }
            | News::OperationRefunded { .. }
            | News::Expiring { .. }
            | News::Given { .. }
            | News::Standing { .. } => {
                words(news, payment.as_ref(), SystemTime::now(), self.locale)?.map(|text| {
                    Rendered { text, keyboard: Some(keyboards::ended(None, self.locale)) }
                })
            }
        };
        let payment = match payment {
            Some(payment) => self.stands(payment).await?,
            None => None,
        };
        Ok(Notice { payment, message })
    }

    async fn payment(&self, payment_id: &str) -> Result<Payment, BotError> {
        let request = GetPaymentRequest { payment_id: payment_id.to_owned() };
        Ok(self.services.payments.get_payment(request).await?.payment.unwrap_or_default())
    }

    /// What the payment's own message says; `None`: what it says already.
    async fn stands(&self, payment: Payment) -> Result<Option<(String, Rendered)>, BotError> {
        let retry = match payment.state() {
            PaymentState::Created | PaymentState::Pending | PaymentState::Unspecified => {
                return Ok(None);
            }
            PaymentState::Credited => self.retry().await?,
            PaymentState::Paid
            | PaymentState::Canceled
            | PaymentState::Expired
            | PaymentState::Refunded
            | PaymentState::Disputed => None,
        };
        let text = check::words(&payment, self.locale)?;
        let keyboard = Some(keyboards::ended(retry, self.locale));
        Ok(Some((payment.payment_id, Rendered { text, keyboard })))
    }

    async fn credited(
        &self,
        amount: &Amount,
        time: i64,
        payment: &Option<Payment>,
    ) -> Result<Option<Rendered>, BotError> {
        let arrived = payment.as_ref().and_then(|payment| payment.credit_time);
        if arrived.is_some_and(|arrived| time - arrived.seconds > ARRIVED_LONG_AGO) {
            return Ok(None);
        }
        let request = GetUserInfoRequest { user_id: self.user_id.to_owned() };
        let user = self.services.billing.get_user_info(request).await?.user.unwrap_or_default();
        let retry = self.retry().await?;
        let text = credited_words(amount, &user, retry.is_some(), self.locale)?;
        Ok(Some(Rendered { text, keyboard: Some(keyboards::ended(retry, self.locale)) }))
    }

    async fn retry(&self) -> Result<Option<teloxide::types::InlineKeyboardButton>, BotError> {
        charge::retry_button(self.services, self.chat_id, self.locale).await
    }

    /// Has the user the result of that operation? Otherwise whoever failed to bring it has said so.
    async fn has_result(&self, operation_id: &str) -> Result<bool, BotError> {
        let request = self.services.store.request(operation_id).await?;
        Ok(request.is_some_and(|request| request.state == RequestState::Delivered))
    }
}

/// The payment that news are about.
fn payment_of(news: &News) -> Option<&str> {
    match news {
        News::Credited { payment_id, .. }
        | News::Parked { payment_id }
        | News::Payment { payment_id }
        | News::Refunded { payment_id, .. }
        | News::RefundReversed { payment_id, .. }
        | News::Dispute { payment_id, .. } => Some(payment_id),
        News::OperationRefunded { .. }
        | News::Expiring { .. }
        | News::Given { .. }
        | News::Standing { .. } => None,
    }
}

fn credited_words(
    amount: &Amount,
    user: &UserInfo,
    has_retry: bool,
    locale: Locale,
) -> Result<String, MoneyError> {
    let balance = Amount::of(user.balance.as_ref())?.there(locale);
    let mut lines = vec![
        text!(locale, "notice-credited", amount = amount.there(locale)),
        text!(locale, "balance-line", amount = balance),
    ];
    if has_retry {
        lines.push(String::new());
        lines.push(text!(locale, "notice-retry"));
    }
    Ok(lines.join("\n"))
}

/// The new message for what is no arrival of money; `None`: there is nothing to say beside the payment's own message.
fn words(
    news: &News,
    payment: Option<&Payment>,
    now: SystemTime,
    locale: Locale,
) -> Result<Option<String>, MoneyError> {
    Ok(match news {
        News::Credited { .. } | News::Payment { .. } => None,
        News::Parked { .. } => match payment {
            // Looked at in the meantime.
            Some(payment) if payment.park_reason != 0 => Some(check::words(payment, locale)?),
            Some(_) | None => None,
        },
        News::Refunded { refund_id, amount, is_repeat, .. } => {
            Some(refunded(payment, refund_id, amount, *is_repeat, locale)?)
        }
        News::RefundReversed { amount, .. } => (amount.micros > 0)
            .then(|| text!(locale, "notice-refund-reversed", amount = amount.there(locale))),
        News::Dispute { amount, step, .. } => {
            let amount = amount.there(locale);
            Some(match step {
                DisputeStep::Opened => text!(locale, "notice-dispute-opened", amount = amount),
                DisputeStep::Lost => text!(locale, "notice-dispute-lost", amount = amount),
                DisputeStep::Won => text!(locale, "notice-dispute-won", amount = amount),
            })
        }
        News::OperationRefunded { money, free_operations, .. } => {
            let money = (money.micros > 0).then(|| money.there(locale));
            let free = (*free_operations > 0)
                .then(|| text!(locale, "notice-operations", count = *free_operations));
            let what: Vec<_> = [money, free].into_iter().flatten().collect();
            (!what.is_empty())
                .then(|| text!(locale, "notice-operation-refunded", what = what.join(", ")))
        }
        News::Expiring { gift, time } => {
            let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            (i64::try_from(seconds).is_ok_and(|now| now < *time))
                .then(|| expiring(gift, *time, locale))
        }
        News::Given { gift, from } => Some(given(gift, *from, locale)),
        News::Standing { step, owed } => Some(standing(*step, owed, locale)),
    })
}

fn refunded(
    payment: Option<&Payment>,
    refund_id: &str,
    amount: &Amount,
    is_repeat: bool,
    locale: Locale,
) -> Result<String, MoneyError> {
    if amount.micros > 0 {
        return Ok(text!(locale, "notice-refunded", amount = amount.there(locale)));
    }
    let refunds = payment.map(|payment| payment.refunds.as_slice()).unwrap_or_default();
    let refund = refunds.iter().find(|refund| refund.refund_id == refund_id);
    let price = price_words(refund.and_then(|refund| refund.price.as_ref()), locale)?;
    Ok(if is_repeat {
        text!(locale, "notice-refunded-repeat", price = price)
    } else {
        text!(locale, "notice-refunded-uncredited", price = price)
    })
}

fn expiring(gift: &Gift, time: i64, locale: Locale) -> String {
    let time = history::time(Some(prost_types::Timestamp { seconds: time, nanos: 0 }), locale);
    match gift {
        Gift::Operations(count) => {
            text!(locale, "notice-expiring-operations", count = *count, time = time)
        }
        Gift::Money(amount) => {
            text!(locale, "notice-expiring-money", amount = amount.there(locale), time = time)
        }
    }
}

fn given(gift: &Gift, from: GiftFrom, locale: Locale) -> String {
    let gift = match gift {
        Gift::Operations(count) => text!(locale, "notice-operations", count = *count),
        Gift::Money(amount) => text!(locale, "notice-bonus", amount = amount.there(locale)),
    };
    match from {
        GiftFrom::Administrator => text!(locale, "notice-given", gift = gift),
        GiftFrom::Invitation => text!(locale, "notice-given-invited", gift = gift),
        GiftFrom::Invited => text!(locale, "notice-given-inviter", gift = gift),
    }
}

fn standing(step: StandingStep, owed: &Amount, locale: Locale) -> String {
    let debt = owed.asked(locale);
    match step {
        StandingStep::IntoDebt => text!(locale, "notice-debt", amount = debt),
        StandingStep::OutOfDebt => text!(locale, "notice-debt-repaid"),
        StandingStep::Blocked => text!(locale, "notice-blocked"),
        StandingStep::Unblocked if owed.micros > 0 => {
            text!(locale, "notice-unblocked-debt", amount = debt)
        }
        StandingStep::Unblocked => text!(locale, "notice-unblocked"),
    }
}

#[cfg(test)]
mod tests;
