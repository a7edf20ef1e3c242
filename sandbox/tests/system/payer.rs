//! A person who pays, with what billing and the provider say of it beside.

use anyhow::{Context, Result};
use proto::billing::v1::{
    CreatePaymentRequest, GetPaymentRequest, Payment, PaymentProvider, PaymentState,
    RefreshPaymentRequest, Standing,
};
use proto::money;
use sandbox::system::{AsGateway, Operator, System};

use crate::person::{Person, until};

/// Makes payments as the gateway would, and looks at them.
pub struct Payer {
    pub person: Person,
    gateway: AsGateway,
    operator: Operator,
}

impl Payer {
    pub fn of(system: &System, id: i64) -> Self {
        Self {
            person: Person::of(system, id),
            gateway: system.as_gateway().clone(),
            operator: system.billing().clone(),
        }
    }

    /// A payment through YooKassa, waiting to be paid.
    pub async fn begins(&self, request_id: &str, rubles: i64) -> Result<Payment> {
        let request = CreatePaymentRequest {
            request_id: request_id.to_owned(),
            user_id: self.person.user_id(),
            provider: PaymentProvider::Yookassa.into(),
            amount: Some(money::from_micros(rubles * 1_000_000, "RUB")),
            ..CreatePaymentRequest::default()
        };
        let payment = self.gateway.payments.create_payment(request).await?.payment;
        let payment = payment.context("no payment in the answer")?;
        assert_eq!(payment.state(), PaymentState::Pending);
        Ok(payment)
    }

    /// As billing knows it.
    pub async fn payment(&self, payment: &Payment) -> Result<Payment> {
        let request = GetPaymentRequest { payment_id: payment.payment_id.clone() };
        let answer = self.gateway.payments.get_payment(request).await?;
        answer.payment.context("no payment in the answer")
    }

    /// Asks billing to ask the provider.
    pub async fn refreshes(&self, payment: &Payment) -> Result<Payment> {
        let request = RefreshPaymentRequest { payment_id: payment.payment_id.clone() };
        let answer = self.gateway.payments.refresh_payment(request).await?;
        answer.payment.context("no payment in the answer")
    }

    /// Waits until the payment stands there.
    pub async fn stands(&self, payment: &Payment, state: PaymentState) -> Result<Payment> {
        until(&format!("the payment to be {state:?}"), async || {
            let now = self.payment(payment).await?;
            Ok((now.state() == state).then_some(now))
        })
        .await
    }

    /// The user's own money, in kopecks.
    pub async fn kopecks(&self) -> Result<i64> {
        let balance = self.person.has().await?.paid_balance.unwrap_or_default();
        Ok(money::to_micros(&balance, "RUB")? / 10_000)
    }

    pub async fn standing(&self) -> Result<Standing> {
        Ok(self.person.has().await?.standing())
    }

    /// What came from `topups:yookassa` less what went back there, in micros, by the entries.
    pub async fn topped_up(&self) -> Result<i64> {
        let entries = self.operator.entries(&self.person.user_id()).await?;
        entries.iter().try_fold(0, |sum, entry| {
            let amount = entry.amount.clone().unwrap_or_default();
            Ok(match (entry.from_account.as_str(), entry.to_account.as_str()) {
                ("topups:yookassa", _) => sum + money::to_micros(&amount, "RUB")?,
                (_, "topups:yookassa") => sum - money::to_micros(&amount, "RUB")?,
                (_, _) => sum,
            })
        })
    }

    /// How many messages of the bot hold this text.
    pub fn times_told(&self, part: &str) -> usize {
        let messages = self.person.chat.messages();
        let said = |text: &str| crate::person::plain(text).contains(part);
        messages.iter().filter(|message| message.from_bot && said(&message.text)).count()
    }
}

/// The books hold, and what the providers were paid is what was credited.
pub async fn all_is_well(system: &System) -> Result<()> {
    system.verify().await?;
    system.reconcile().await?;
    Ok(())
}
