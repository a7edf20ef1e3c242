//! Payments, as callers and providers name them.

use uuid::Uuid;

use super::{Resolver, by, payment_request};
use crate::ledger::model_test::money_steps::{Answer, MoneyAsk, PACKS, Seen, Sum};
use crate::ledger::model_test::steps;
use crate::ledger::*;

impl Resolver<'_> {
    pub(super) fn payment(&mut self, ask: &MoneyAsk) -> Command {
        let money = |amount: Option<i64>| amount.map(Amount::from_micros);
        match ask.clone() {
            MoneyAsk::Open { payment, name, url } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                // Two payments of one provider never bear one name.
                let taken = |name: &String| {
                    Provider::ALL.into_iter().any(|p| self.memory.payment_named(p, name).is_some())
                };
                Command::OpenPayment {
                    user_id,
                    payment_id,
                    provider_payment_id: name
                        .map(|name| format!("o-{payment}-{name}"))
                        .filter(|name| !taken(name)),
                    confirmation_url: url.then(|| "https://pay.example".into()),
                }
            }
            MoneyAsk::Close { payment, closing } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                Command::ClosePayment { user_id, payment_id, closing }
            }
            MoneyAsk::Check { payment, checks, next } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                let next = next.then(|| steps::minutes(60));
                Command::ScheduleCheck { user_id, payment_id, checks, next }
            }
            MoneyAsk::Report { payment, name, status, sum, refunds } => {
                self.report(payment, name, status, sum, &refunds)
            }
            MoneyAsk::Credit { payment } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                Command::CreditPayment { user_id, payment_id, by: None }
            }
            MoneyAsk::Decide { payment, request, amount } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                let by = Some((by(request), money(amount)));
                Command::CreditPayment { user_id, payment_id, by }
            }
            MoneyAsk::PayBack { payment, request, amount, whole_only } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                let refund_id = RefundId(self.fresh());
                let (amount, by) = (money(amount), by(request));
                Command::RefundPayment { user_id, payment_id, refund_id, amount, whole_only, by }
            }
            MoneyAsk::Answer { payment, refund, answer } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                let refund = self.memory.refunds_of(payment_id).nth(refund);
                let refund_id = refund.map_or(RefundId(Uuid::max()), |refund| refund.refund_id);
                let answer = refund_answer(answer);
                Command::SettleRefund { user_id, payment_id, refund_id, answer }
            }
            MoneyAsk::Letter { payment, request, outcome, amount } => {
                let Found { user_id, payment_id, .. } = self.found(payment);
                let refund_id = RefundId(self.fresh());
                let (amount, by) = (money(amount), by(request));
                Command::RecordDispute { user_id, payment_id, refund_id, outcome, amount, by }
            }
            other => panic!("{other:?} is about no payment"),
        }
    }

    pub(super) fn pay(
        &mut self,
        user: u8,
        payment: u8,
        provider: Provider,
        pack: usize,
        url: bool,
        check: bool,
    ) -> Command {
        let (amount, price, currency) = PACKS[pack];
        let new = NewPayment {
            payment_id: PaymentId(self.fresh()),
            user_id: steps::user_id(user),
            request_id: payment_request(payment),
            caller: "bot".into(),
            provider,
            amount: Amount::from_micros(amount),
            price: ProviderAmount { amount: Amount::from_micros(price), currency: currency.into() },
            return_url: url.then(|| "https://bot.example".into()),
            receipt_email: None,
            first_check: check.then(|| steps::minutes(5)),
        };
        self.payments.entry(new.request_id.clone()).or_insert_with(|| new.clone());
        Command::CreatePayment(new)
    }

    fn report(
        &mut self,
        payment: u8,
        name: u8,
        status: ProviderStatus,
        sum: Sum,
        seen: &[Seen],
    ) -> Command {
        let found = self.found(payment);
        let received = match sum {
            Sum::Promised => found.price.clone(),
            Sum::Another(micros) => {
                let currency = found.price.currency.clone();
                ProviderAmount { amount: Amount::from_micros(micros), currency }
            }
            Sum::AnotherCurrency => {
                ProviderAmount { amount: found.price.amount, currency: "EUR".into() }
            }
        };
        let mut refunds: Vec<ReportedRefund> = Vec::new();
        for seen in seen {
            let provider_refund_id = format!("f-{}", seen.name);
            if refunds.iter().all(|other| other.provider_refund_id != provider_refund_id) {
                let amount = Amount::from_micros(received.amount.micros() * seen.quarters / 4);
                let currency = received.currency.clone();
                refunds.push(ReportedRefund {
                    provider_refund_id,
                    amount: ProviderAmount { amount, currency },
                    dispute: seen.dispute,
                    state: seen.state,
                });
            }
        }
        Command::ObservePayment(Observation {
            user_id: found.user_id,
            payment_id: found.payment_id,
            provider: found.provider,
            repeat_id: PaymentId(self.fresh()),
            refund_ids: (0..=refunds.len()).map(|_| RefundId(self.fresh())).collect(),
            report: Report {
                // Mostly the name that is known: the others are second payments.
                provider_payment_id: match (name, found.name) {
                    (0..=1, Some(known)) => known,
                    (name, _) => format!("n-{payment}-{name}"),
                },
                status,
                received,
                method: Some("sbp".into()),
                refunds,
            },
        })
    }

    fn found(&self, payment: u8) -> Found {
        let repeats = self.memory.payments.values().filter(|p| p.repeat_of.is_some());
        let repeat = payment.checked_sub(3).and_then(|nth| repeats.clone().nth(nth.into()));
        let request = payment_request(payment);
        if let Some(stored) = repeat.or_else(|| self.memory.payment_as(&request)) {
            return Found {
                user_id: stored.user_id.clone(),
                payment_id: stored.payment_id,
                provider: stored.provider,
                price: stored.price.clone(),
                name: stored.provider_payment_id.clone(),
            };
        }
        let here = self.payments.get(&request).map(|new| Found {
            user_id: new.user_id.clone(),
            payment_id: new.payment_id,
            provider: new.provider,
            price: new.price.clone(),
            name: None,
        });
        here.unwrap_or_else(|| Found {
            user_id: steps::user_id(0),
            payment_id: PaymentId(Uuid::max()),
            provider: Provider::Yookassa,
            price: ProviderAmount { amount: Amount::units(1), currency: "RUB".into() },
            name: None,
        })
    }
}

/// What a provider knows of a payment.
struct Found {
    user_id: UserId,
    payment_id: PaymentId,
    provider: Provider,
    price: ProviderAmount,
    name: Option<String>,
}

fn refund_answer(answer: Answer) -> RefundAnswer {
    let name = |name: u8| format!("f-{name}");
    match answer {
        Answer::Succeeded(n) => RefundAnswer::Succeeded { provider_refund_id: name(n) },
        Answer::Accepted(n) => {
            RefundAnswer::Accepted { provider_refund_id: name(n), next_try: steps::minutes(1) }
        }
        Answer::Refused => RefundAnswer::Refused { why: "too late".into() },
        Answer::Unanswered(n) => RefundAnswer::Unanswered { next_try: steps::minutes(n) },
    }
}
