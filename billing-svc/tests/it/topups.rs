//! Payments as the ledger meets them: made, paid, credited, given back.

use std::time::Duration;

use billing_svc::ledger::*;
use uuid::Uuid;

use crate::books::*;

/// A new payment of whole units, at the same price in rubles.
pub fn new_payment(user: &UserId, request_id: &str, provider: Provider, units: i64) -> Command {
    Command::CreatePayment(NewPayment {
        payment_id: PaymentId(Uuid::now_v7()),
        user_id: user.clone(),
        request_id: request(request_id),
        caller: "test".to_owned(),
        provider,
        amount: Amount::units(units),
        price: rubles(units),
        return_url: None,
        receipt_email: None,
        first_check: Some(now().plus(Duration::from_secs(300))),
    })
}

pub fn rubles(units: i64) -> ProviderAmount {
    ProviderAmount { amount: Amount::units(units), currency: "RUB".to_owned() }
}

/// The provider says that it was paid as promised, under this name, and what of it went back.
pub fn paid(payment: &Payment, name: &str, refunds: Vec<ReportedRefund>) -> Command {
    Command::ObservePayment(Observation {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        provider: payment.provider,
        repeat_id: PaymentId(Uuid::now_v7()),
        refund_ids: (0..=refunds.len()).map(|_| RefundId(Uuid::now_v7())).collect(),
        report: Report {
            provider_payment_id: name.to_owned(),
            status: ProviderStatus::Paid,
            received: payment.price.clone(),
            method: Some("bank_card".to_owned()),
            refunds,
        },
    })
}

pub fn credit(payment: &Payment) -> Command {
    Command::CreditPayment {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        by: None,
    }
}

pub fn pay_back(payment: &Payment, request_id: &str, units: i64) -> Command {
    Command::RefundPayment {
        user_id: payment.user_id.clone(),
        payment_id: payment.payment_id,
        refund_id: RefundId(Uuid::now_v7()),
        amount: Some(Amount::units(units)),
        whole_only: false,
        by: by(request_id),
    }
}

pub fn by(request_id: &str) -> Administrator {
    Administrator {
        request_id: request(request_id),
        reason: "a test".to_owned(),
        caller: "test".to_owned(),
    }
}

pub fn code(code: &str) -> PromoCodeName {
    PromoCodeName::parse(code).unwrap()
}

pub fn new_code(name: &str, max_redemptions: i64) -> Command {
    let promo_code = PromoCode {
        code: code(name),
        campaign: "spring".to_owned(),
        credits: Credits { unit: Unit::Operation, amount: 2 },
        priority: 10,
        max_redemptions,
        redemptions: 0,
        expire_time: None,
        grant_expire_time: None,
        create_time: now(),
    };
    Command::CreatePromoCode { promo_code, by: by(&format!("make-{name}")) }
}

pub fn redeem(user: &UserId, name: &str) -> Command {
    Command::RedeemPromoCode {
        user_id: user.clone(),
        code: code(name),
        grant_id: GrantId(Uuid::now_v7()),
    }
}

pub fn make_code(user: &UserId, text: &str) -> Command {
    Command::MakeReferralCode { user_id: user.clone(), code: ReferralCode::parse(text).unwrap() }
}

/// Two free operations.
pub fn grant(user: &UserId, request_id: &str, expire_time: Option<Timestamp>) -> Command {
    Command::GrantCredits(GrantCredits {
        user_id: user.clone(),
        request_id: request(request_id),
        grant_id: GrantId(Uuid::now_v7()),
        credits: Credits { unit: Unit::Operation, amount: 2 },
        kind: GrantKind::Promo,
        priority: 0,
        expire_time,
        reason: "a test".to_owned(),
        caller: "test".to_owned(),
    })
}

pub fn payment(outcome: Result<Outcome, Rejection>) -> Payment {
    match outcome {
        Ok(Outcome::Payment { payment, .. }) => payment,
        other => panic!("no payment: {other:?}"),
    }
}

impl Books {
    /// Obeyed, and about a payment.
    pub async fn about_payment(&self, command: Command) -> Payment {
        payment(self.ask(command).await.unwrap())
    }

    pub async fn new_payment(&self, user: &UserId, request_id: &str, units: i64) -> Payment {
        self.about_payment(new_payment(user, request_id, Provider::Yookassa, units)).await
    }

    /// A payment from its making to its money; the provider calls it as its request_id.
    pub async fn pay_in(&self, user: &UserId, request_id: &str, units: i64) -> Payment {
        let payment = self.new_payment(user, request_id, units).await;
        self.about_payment(paid(&payment, request_id, vec![])).await;
        self.about_payment(credit(&payment)).await
    }
}
