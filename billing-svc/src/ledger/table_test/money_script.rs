//! What can be asked in a table about payments, promo codes and referrals.
//!
//! ```text
//! pay <user> <payment> <money> [through=stars|bank] [price=<sum>] [return=<url>] [receipt=<mail>] [check=<time>]
//! open <payment> [name=<name>] [url=<url>]
//! close <payment> refused|given-up
//! checked <payment> <checks> [next=<time>]
//! report <payment> <name> paid|pending|canceled [<sum>] [from=<provider>] [refund:<name>:<sum>:pending|succeeded|canceled]… [dispute:…]…
//! credit <payment>
//! decide <payment> <request> [amount=<money>] [because=<text>]
//! give-back <payment> <request> [amount=<money>] [whole=yes] [because=<text>]
//! answer <payment> <refund> succeeded|accepted|refused|unanswered [name=<name>] [next=<time>]
//! dispute <payment> <request> opened|won|lost [amount=<money>] [because=<text>]
//! promo <request> <CODE> <count>-operations|<money> [max=<n>] [until=<time>] [lost=<time>] [campaign=<text>]
//! redeem <user> <CODE>
//! code <user> <code>
//! invited <user> <by>
//! reward <by> <user>
//! ```
//! A sum is in roubles, or of another currency: `100`, `75XTR`. A payment is named by its request, or by its provider's
//! name for it: `p1`, `@charge-2`. A refund is named by the request of an administrator, by its provider's name for it,
//! or `rule`.

use uuid::Uuid;

use super::script::{Script, Step, duration, money, number};
use super::world::{START, World};
use crate::ledger::*;

impl Script<'_> {
    /// Nothing, where the line is not about money that comes in.
    pub fn money_step(&self, world: &mut World) -> Option<Step> {
        let command = match self.word(0) {
            "pay" => self.pay(world),
            "promo" => self.promo(),
            "redeem" => Command::RedeemPromoCode {
                user_id: self.user(),
                code: PromoCodeName::parse(self.word(2)).unwrap(),
                grant_id: GrantId(world.fresh()),
            },
            "code" => Command::MakeReferralCode {
                user_id: self.user(),
                code: ReferralCode::parse(self.word(2)).unwrap(),
            },
            "invited" => {
                Command::AcceptReferral { user_id: self.user(), inviter: self.second_user() }
            }
            "reward" => {
                Command::RewardReferral { user_id: self.user(), invitee: self.second_user() }
            }
            _ => return self.payment_step(world),
        };
        Some(Step::Ask(command))
    }

    fn payment_step(&self, world: &mut World) -> Option<Step> {
        let known = ["open", "close", "checked", "report", "credit", "decide", "give-back"];
        if !known.contains(&self.word(0)) && !["answer", "dispute"].contains(&self.word(0)) {
            return None;
        }
        let (user_id, payment_id) = world.paid_as(self.word(1));
        let amount = self.option("amount").map(money);
        let next = self.option("next").map(|text| START.plus(duration(text)));
        Some(Step::Ask(match self.word(0) {
            "open" => Command::OpenPayment {
                user_id,
                payment_id,
                provider_payment_id: self.option("name").map(str::to_owned),
                confirmation_url: self.option("url").map(str::to_owned),
            },
            "close" => {
                let refused = self.word(2) == "refused";
                let closing = if refused { Closing::Refused } else { Closing::GivenUp };
                Command::ClosePayment { user_id, payment_id, closing }
            }
            "checked" => {
                let checks = number(self.word(2));
                Command::ScheduleCheck { user_id, payment_id, checks, next }
            }
            "report" => Command::ObservePayment(self.observation(world, user_id, payment_id)),
            "credit" => Command::CreditPayment { user_id, payment_id, by: None },
            "decide" => {
                let by = Some((self.administrator(), amount));
                Command::CreditPayment { user_id, payment_id, by }
            }
            "give-back" => Command::RefundPayment {
                user_id,
                payment_id,
                refund_id: RefundId(world.fresh()),
                amount,
                whole_only: self.option("whole").is_some(),
                by: self.administrator(),
            },
            "dispute" => Command::RecordDispute {
                user_id,
                payment_id,
                refund_id: RefundId(world.fresh()),
                outcome: match self.word(3) {
                    "opened" => DisputeOutcome::Opened,
                    "won" => DisputeOutcome::Won,
                    "lost" => DisputeOutcome::Lost,
                    other => panic!("{other} is no end of a dispute"),
                },
                amount,
                by: self.administrator(),
            },
            _ => Command::SettleRefund {
                user_id,
                payment_id,
                refund_id: world.refunded_as(payment_id, self.word(2)),
                answer: self.refund_answer(next),
            },
        }))
    }

    pub fn administrator(&self) -> Administrator {
        let (request_id, reason) = (self.request(), self.reason());
        Administrator { request_id, reason, caller: "admin".into() }
    }

    fn pay(&self, world: &mut World) -> Command {
        let amount = money(self.word(3));
        let in_roubles = || ProviderAmount { amount, currency: "RUB".into() };
        let new = NewPayment {
            payment_id: PaymentId(world.fresh()),
            user_id: self.user(),
            request_id: self.request(),
            caller: "bot".into(),
            provider: self.option("through").map_or(Provider::Yookassa, provider),
            amount,
            price: self.option("price").map_or_else(in_roubles, sum),
            return_url: self.option("return").map(str::to_owned),
            receipt_email: self.option("receipt").map(str::to_owned),
            first_check: self.option("check").map(|text| START.plus(duration(text))),
        };
        world.pays(&new);
        Command::CreatePayment(new)
    }

    fn observation(
        &self,
        world: &mut World,
        user_id: UserId,
        payment_id: PaymentId,
    ) -> Observation {
        let (payment_id, known, price) = world.expected(payment_id);
        let provider = self.option("from").map_or(known, provider);
        let status = match self.word(3) {
            "paid" => ProviderStatus::Paid,
            "pending" => ProviderStatus::Pending,
            "canceled" => ProviderStatus::Canceled,
            other => panic!("no provider says {other}"),
        };
        let rest = &self.words()[4..];
        let received = rest.iter().find(|word| !word.contains(':')).map(|word| sum(word));
        let refunds: Vec<_> = rest.iter().filter_map(|word| reported_refund(word)).collect();
        Observation {
            user_id,
            payment_id,
            provider,
            repeat_id: PaymentId(world.fresh()),
            refund_ids: (0..=refunds.len()).map(|_| RefundId(world.fresh())).collect(),
            report: Report {
                provider_payment_id: self.word(2).into(),
                status,
                received: received.unwrap_or(price),
                method: Some("bank_card".into()),
                refunds,
            },
        }
    }

    fn refund_answer(&self, next: Option<Timestamp>) -> RefundAnswer {
        let provider_refund_id = self.option("name").unwrap_or("unnamed").to_owned();
        let next_try = next.unwrap_or(START);
        match self.word(3) {
            "succeeded" => RefundAnswer::Succeeded { provider_refund_id },
            "accepted" => RefundAnswer::Accepted { provider_refund_id, next_try },
            "refused" => RefundAnswer::Refused { why: "too late".into() },
            "unanswered" => RefundAnswer::Unanswered { next_try },
            other => panic!("{other} is no answer"),
        }
    }

    fn promo(&self) -> Command {
        let (request_id, reason) = (RequestId::parse(self.word(1)).unwrap(), self.reason());
        let time = |name| self.option(name).map(|text: &str| START.plus(duration(text)));
        let promo_code = PromoCode {
            code: PromoCodeName::parse(self.word(2)).unwrap(),
            campaign: self.option("campaign").unwrap_or("spring").into(),
            credits: self.credits(3),
            priority: 5,
            max_redemptions: self.option("max").map_or(100, number),
            redemptions: 0,
            expire_time: time("until"),
            grant_expire_time: time("lost"),
            create_time: Timestamp::from_micros(0),
        };
        let by = Administrator { request_id, reason, caller: "admin".into() };
        Command::CreatePromoCode { promo_code, by }
    }

    fn second_user(&self) -> UserId {
        UserId::parse(self.word(2)).unwrap()
    }
}

fn provider(name: &str) -> Provider {
    match name {
        "stars" => Provider::TelegramStars,
        "bank" => Provider::Sandbox,
        other => panic!("{other} takes no money"),
    }
}

/// `100` is roubles, `75XTR` says what it is.
fn sum(text: &str) -> ProviderAmount {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_uppercase());
    let currency = if digits == text { "RUB" } else { &text[digits.len()..] };
    ProviderAmount { amount: money(digits), currency: currency.into() }
}

/// `refund:<name>:<sum>:<state>`.
fn reported_refund(word: &str) -> Option<ReportedRefund> {
    let [kind, name, amount, state] = word.split(':').collect::<Vec<_>>()[..] else { return None };
    Some(ReportedRefund {
        provider_refund_id: name.into(),
        amount: sum(amount),
        dispute: kind == "dispute",
        state: match state {
            "pending" => ReportedRefundState::Pending,
            "succeeded" => ReportedRefundState::Succeeded,
            "canceled" => ReportedRefundState::Canceled,
            other => panic!("no provider says {other}"),
        },
    })
}

impl World {
    /// Tells the batch which payment a command would make.
    fn pays(&mut self, new: &NewPayment) {
        let made = (new.user_id.clone(), new.payment_id, new.provider, new.price.clone());
        self.paid.entry(new.request_id.clone()).or_insert(made);
    }

    /// The payment of this request or, after `@`, of this name at its provider's; or an id that nobody has.
    pub fn paid_as(&self, name: &str) -> (UserId, PaymentId) {
        let stored = match name.strip_prefix('@') {
            Some(named) => self
                .memory
                .payments
                .values()
                .find(|payment| payment.provider_payment_id.as_deref() == Some(named)),
            None => self.memory.payment_as(&RequestId::parse(name).unwrap()),
        };
        if let Some(payment) = stored {
            return (payment.user_id.clone(), payment.payment_id);
        }
        let here = RequestId::parse(name).ok().and_then(|request| self.paid.get(&request));
        let here = here.map(|(user_id, payment_id, ..)| (user_id.clone(), *payment_id));
        here.unwrap_or_else(|| (self.about().clone(), PaymentId(Uuid::max())))
    }

    /// What the provider knows of a payment: also of one that this batch makes.
    fn expected(&self, id: PaymentId) -> (PaymentId, Provider, ProviderAmount) {
        if let Some(payment) = self.memory.payments.get(&id) {
            return (id, payment.provider, payment.price.clone());
        }
        let here = self.paid.values().find(|(_, payment_id, ..)| *payment_id == id);
        let here = here.map(|(_, _, provider, price)| (id, *provider, price.clone()));
        here.unwrap_or_else(|| (id, Provider::Yookassa, sum("1")))
    }

    fn refunded_as(&self, payment: PaymentId, name: &str) -> RefundId {
        let request = RequestId::parse(name).unwrap();
        if let Some(AdminRequest { action: AdminAction::RefundPayment { refund_id, .. }, .. }) =
            self.memory.admin_requests.get(&request)
        {
            return *refund_id;
        }
        let found = self.memory.refunds_of(payment).find(|refund| {
            refund.provider_refund_id.as_deref() == Some(name)
                || (name == "rule" && refund.origin == RefundOrigin::Rule)
        });
        found.map_or(RefundId(Uuid::max()), |refund| refund.refund_id)
    }
}
