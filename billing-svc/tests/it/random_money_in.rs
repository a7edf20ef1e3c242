//! Random commands about payments, promo codes, referrals, and what administrators do about them.

use std::time::Duration;

use billing_svc::ledger::*;
use rand::RngExt;

use crate::books::{request, user};
use crate::random::Asker;

/// What an asker knows of a payment.
#[derive(Debug, Clone)]
pub struct Known {
    pub payment: Payment,
    pub refunds: Vec<RefundId>,
}

impl Asker {
    /// Remembers a payment as an outcome shows it.
    pub fn learn_payment(&mut self, payment: &Payment, refunds: &[PaymentRefund]) {
        let refunds = refunds.iter().map(|refund| refund.refund_id).collect();
        self.payments.retain(|known| known.payment.payment_id != payment.payment_id);
        self.payments.push(Known { payment: payment.clone(), refunds });
    }

    pub fn money_in(&mut self, now: Timestamp) -> Command {
        match self.random.random_range(0..30) {
            0..4 => self.create_payment(now),
            4..22 if !self.payments.is_empty() => self.about_a_payment(now),
            22 => self.promo_code(now),
            23..25 => Command::RedeemPromoCode {
                user_id: self.user(),
                code: self.code(),
                grant_id: GrantId(self.uuid()),
            },
            25 => {
                let n = self.random.random_range(0..4);
                let code = ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "dddddddddd"][n];
                let code = ReferralCode::parse(code).unwrap();
                Command::MakeReferralCode { user_id: user(&format!("u{n}")), code }
            }
            26 => Command::AcceptReferral { user_id: self.user(), inviter: self.user() },
            27 => Command::RewardReferral { user_id: self.user(), invitee: self.user() },
            28 => Command::SetStanding {
                user_id: self.user(),
                standing: match self.random.random_bool(0.2) {
                    true => Standing::Blocked,
                    false => Standing::Good,
                },
                by: self.by("standing"),
            },
            _ => self.about_a_grant(),
        }
    }

    fn create_payment(&mut self, now: Timestamp) -> Command {
        let provider = Provider::ALL[self.random.random_range(0..Provider::ALL.len())];
        Command::CreatePayment(NewPayment {
            payment_id: PaymentId(self.uuid()),
            user_id: self.user(),
            request_id: self.request("pay"),
            caller: "test".to_owned(),
            provider,
            amount: Amount::units(self.random.random_range(1..4) * 10),
            price: ProviderAmount {
                amount: Amount::units(self.random.random_range(1..4) * 7),
                currency: if provider == Provider::TelegramStars { "XTR" } else { "RUB" }
                    .to_owned(),
            },
            return_url: Some("https://example.org/?a=\"1\"".to_owned()),
            receipt_email: None,
            first_check: Some(now.plus(Duration::from_secs(300))),
        })
    }

    fn about_a_payment(&mut self, now: Timestamp) -> Command {
        let Known { payment, refunds } =
            self.payments[self.random.random_range(0..self.payments.len())].clone();
        let (user_id, payment_id) = (payment.user_id.clone(), payment.payment_id);
        let later = now.plus(Duration::from_secs(60));
        match self.random.random_range(0..12) {
            0 => Command::OpenPayment {
                user_id,
                payment_id,
                provider_payment_id: Some(format!("n-{payment_id}")),
                confirmation_url: Some("https://example.org/pay".to_owned()),
            },
            1 => Command::ClosePayment { user_id, payment_id, closing: Closing::GivenUp },
            2 => Command::ScheduleCheck {
                user_id,
                payment_id,
                checks: payment.checks,
                next: self.random.random_bool(0.7).then_some(later),
            },
            3..6 => self.observe(&payment),
            6..8 => {
                let by = self.random.random_bool(0.3).then(|| (self.by("credit"), None));
                Command::CreditPayment { user_id, payment_id, by }
            }
            8 => Command::RefundPayment {
                user_id,
                payment_id,
                refund_id: RefundId(self.uuid()),
                amount: self.random.random_bool(0.5).then(|| Amount::units(5)),
                whole_only: payment.provider == Provider::TelegramStars,
                by: self.by("payback"),
            },
            9 => Command::RecordDispute {
                user_id,
                payment_id,
                refund_id: RefundId(self.uuid()),
                outcome: [DisputeOutcome::Opened, DisputeOutcome::Won, DisputeOutcome::Lost]
                    [self.random.random_range(0..3)],
                amount: None,
                by: self.by("dispute"),
            },
            _ if !refunds.is_empty() => Command::SettleRefund {
                user_id,
                payment_id,
                refund_id: refunds[self.random.random_range(0..refunds.len())],
                answer: self.refund_answer(later),
            },
            _ => self.observe(&payment),
        }
    }

    fn refund_answer(&mut self, later: Timestamp) -> RefundAnswer {
        let provider_refund_id = format!("r{}", self.random.random_range(0..4));
        match self.random.random_range(0..4) {
            0 => RefundAnswer::Succeeded { provider_refund_id },
            1 => RefundAnswer::Accepted { provider_refund_id, next_try: later },
            2 => RefundAnswer::Refused { why: "no \"money\"".to_owned() },
            _ => RefundAnswer::Unanswered { next_try: later },
        }
    }

    fn observe(&mut self, payment: &Payment) -> Command {
        let statuses = [
            ProviderStatus::Paid,
            ProviderStatus::Paid,
            ProviderStatus::Pending,
            ProviderStatus::Canceled,
        ];
        let name = match self.random.random_bool(0.1) {
            true => format!("again-{}-{}", self.random.random_range(0..2), payment.payment_id),
            false => format!("n-{}", payment.payment_id),
        };
        let mut received = payment.price.clone();
        if self.random.random_bool(0.1) {
            received.amount = Amount::units(1);
        }
        let refunds: Vec<_> =
            (0..self.random.random_range(0..3)).map(|_| self.reported()).collect();
        Command::ObservePayment(Observation {
            user_id: payment.user_id.clone(),
            payment_id: payment.payment_id,
            provider: payment.provider,
            repeat_id: PaymentId(self.uuid()),
            refund_ids: (0..=refunds.len()).map(|_| RefundId(self.uuid())).collect(),
            report: Report {
                provider_payment_id: payment.provider_payment_id.clone().unwrap_or(name),
                status: statuses[self.random.random_range(0..4)],
                received,
                method: Some("bank_card".to_owned()),
                refunds,
            },
        })
    }

    fn reported(&mut self) -> ReportedRefund {
        let states = [
            ReportedRefundState::Pending,
            ReportedRefundState::Succeeded,
            ReportedRefundState::Canceled,
        ];
        ReportedRefund {
            provider_refund_id: format!("r{}", self.random.random_range(0..4)),
            amount: ProviderAmount {
                amount: Amount::units(self.random.random_range(1..9)),
                currency: "RUB".to_owned(),
            },
            dispute: self.random.random_bool(0.3),
            state: states[self.random.random_range(0..3)],
        }
    }

    fn promo_code(&mut self, now: Timestamp) -> Command {
        let promo_code = PromoCode {
            code: self.code(),
            campaign: "весна".to_owned(),
            credits: Credits { unit: Unit::Operation, amount: 2 },
            priority: 10,
            max_redemptions: 2,
            redemptions: 0,
            expire_time: None,
            grant_expire_time: Some(now.plus(Duration::from_secs(360_000))),
            create_time: now,
        };
        Command::CreatePromoCode { promo_code, by: self.by("promo") }
    }

    fn about_a_grant(&mut self) -> Command {
        let (user_id, grant_id) = self.one_of_grants();
        match self.random.random_range(0..4) {
            0 => Command::RevokeGrant { user_id, grant_id, by: self.by("revoke") },
            1 => {
                let amount = Amount::units(self.random.random_range(5..8));
                let kind = Kind::parse("upscale").unwrap();
                let prices = vec![
                    Price { kind, amount, free_operations_allowed: false },
                    Price {
                        kind: Kind::parse("generate").unwrap(),
                        amount: Amount::units(10),
                        free_operations_allowed: true,
                    },
                ];
                Command::PublishPrices { prices, by: self.by("prices") }
            }
            _ => Command::AnnounceExpiry { user_id, grant_id },
        }
    }

    fn code(&mut self) -> PromoCodeName {
        PromoCodeName::parse(format!("CODE-{}", self.random.random_range(0..3))).unwrap()
    }

    fn by(&mut self, what: &str) -> Administrator {
        Administrator {
            request_id: request(&format!("{what}-{}", self.random.random_range(0..60))),
            reason: "random".to_owned(),
            caller: "test".to_owned(),
        }
    }
}
