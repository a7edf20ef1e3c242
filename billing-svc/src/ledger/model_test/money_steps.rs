//! What the model test may do about money that comes in: few payments, names and codes, so that they collide.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::steps::{requests, users};
use crate::ledger::*;

/// A command before ids are known. Payments are named by their place: those that were asked for come first, then those
/// that the rule made of a second payment.
#[derive(Debug, Clone)]
pub enum MoneyAsk {
    Pay { user: u8, payment: u8, provider: Provider, pack: usize, url: bool, check: bool },
    Open { payment: u8, name: Option<u8>, url: bool },
    Close { payment: u8, closing: Closing },
    Check { payment: u8, checks: i64, next: bool },
    Report { payment: u8, name: u8, status: ProviderStatus, sum: Sum, refunds: Vec<Seen> },
    Credit { payment: u8 },
    Decide { payment: u8, request: u8, amount: Option<i64> },
    PayBack { payment: u8, request: u8, amount: Option<i64>, whole_only: bool },
    Answer { payment: u8, refund: usize, answer: Answer },
    Letter { payment: u8, request: u8, outcome: DisputeOutcome, amount: Option<i64> },
    Promo { request: u8, code: u8, credits: Credits, max: i64, ends: bool },
    Redeem { user: u8, code: u8 },
    Code { user: u8 },
    Invited { user: u8, by: u8 },
    Reward { user: u8, invitee: u8 },
    Announce { user: u8, grant: usize },
    Revoke { user: u8, request: u8, grant: usize },
    Stand { user: u8, request: u8, standing: Standing },
    Publish { request: u8, list: usize },
}

/// What is reported to have been paid.
#[derive(Debug, Clone, Copy)]
pub enum Sum {
    Promised,
    Another(i64),
    AnotherCurrency,
}

/// A refund as it is reported: a part of what was paid, in quarters.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub name: u8,
    pub quarters: i64,
    pub dispute: bool,
    pub state: ReportedRefundState,
}

/// What a provider answers about a refund.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Succeeded(u8),
    Accepted(u8),
    Refused,
    Unanswered(u32),
}

/// What is promised, and what is paid for it.
pub const PACKS: [(i64, i64, &str); 4] = [
    (20_000_000, 20_000_000, "RUB"),
    (100_000_000, 100_000_000, "RUB"),
    (100_000_000, 75_000_000, "XTR"),
    (7_000_001, 3_000_000, "XTR"),
];

pub fn asks() -> impl Strategy<Value = MoneyAsk> {
    prop_oneof![
        6 => of_payments(),
        8 => reports(),
        4 => paybacks(),
        2 => promotions(),
        2 => decisions(),
    ]
}

fn payments() -> impl Strategy<Value = u8> {
    prop_oneof![6 => 0..3_u8, 1 => 3..6_u8]
}

fn names() -> impl Strategy<Value = u8> {
    0..4_u8
}

fn amounts() -> impl Strategy<Value = Option<i64>> {
    option::weighted(0.5, select(vec![1, 3_333_333, 5_000_000, 25_000_000, 50_000_000]))
}

fn of_payments() -> impl Strategy<Value = MoneyAsk> {
    let providers = select(vec![
        Provider::Yookassa,
        Provider::TelegramStars,
        Provider::TelegramStars,
        Provider::Sandbox,
    ]);
    let pay = (users(), 0..3_u8, providers, 0..PACKS.len(), any::<bool>(), any::<bool>());
    let open = (payments(), option::of(names()), any::<bool>());
    let closing = select(vec![Closing::Refused, Closing::GivenUp]);
    prop_oneof![
        6 => pay.prop_map(|(user, payment, provider, pack, url, check)| {
            MoneyAsk::Pay { user, payment, provider, pack, url, check }
        }),
        3 => open.prop_map(|(payment, name, url)| MoneyAsk::Open { payment, name, url }),
        1 => (payments(), closing)
            .prop_map(|(payment, closing)| MoneyAsk::Close { payment, closing }),
        2 => (payments(), 0..3_i64, any::<bool>())
            .prop_map(|(payment, checks, next)| MoneyAsk::Check { payment, checks, next }),
        6 => payments().prop_map(|payment| MoneyAsk::Credit { payment }),
        2 => (payments(), requests(), amounts()).prop_map(|(payment, request, amount)| {
            MoneyAsk::Decide { payment, request, amount }
        }),
    ]
}

fn reports() -> impl Strategy<Value = MoneyAsk> {
    let status = prop_oneof![
        6 => Just(ProviderStatus::Paid),
        1 => Just(ProviderStatus::Pending),
        1 => Just(ProviderStatus::Canceled),
    ];
    let sum = prop_oneof![
        8 => Just(Sum::Promised),
        2 => select(vec![1, 10_000_000, 30_000_000]).prop_map(Sum::Another),
        1 => Just(Sum::AnotherCurrency),
    ];
    let states = select(vec![
        ReportedRefundState::Pending,
        ReportedRefundState::Succeeded,
        ReportedRefundState::Succeeded,
        ReportedRefundState::Canceled,
    ]);
    let seen = (0..3_u8, 0..=5_i64, prop::bool::weighted(0.4), states);
    let seen =
        seen.prop_map(|(name, quarters, dispute, state)| Seen { name, quarters, dispute, state });
    (payments(), names(), status, sum, vec(seen, 0..3)).prop_map(
        |(payment, name, status, sum, refunds)| MoneyAsk::Report {
            payment,
            name,
            status,
            sum,
            refunds,
        },
    )
}

fn paybacks() -> impl Strategy<Value = MoneyAsk> {
    let whole_only = prop::bool::weighted(0.2);
    let pay_back = (payments(), requests(), amounts(), whole_only);
    let answers = prop_oneof![
        3 => (0..3_u8).prop_map(Answer::Succeeded),
        1 => (0..3_u8).prop_map(Answer::Accepted),
        2 => Just(Answer::Refused),
        1 => (1..4_u32).prop_map(Answer::Unanswered),
    ];
    let outcomes = select(vec![DisputeOutcome::Opened, DisputeOutcome::Won, DisputeOutcome::Lost]);
    let letter = (payments(), requests(), outcomes, amounts());
    prop_oneof![
        2 => pay_back.prop_map(|(payment, request, amount, whole_only)| {
            MoneyAsk::PayBack { payment, request, amount, whole_only }
        }),
        2 => (payments(), 0..3_usize, answers)
            .prop_map(|(payment, refund, answer)| MoneyAsk::Answer { payment, refund, answer }),
        2 => letter.prop_map(|(payment, request, outcome, amount)| {
            MoneyAsk::Letter { payment, request, outcome, amount }
        }),
    ]
}

fn promotions() -> impl Strategy<Value = MoneyAsk> {
    let operations =
        select(vec![1, 2]).prop_map(|amount| Credits { unit: Unit::Operation, amount });
    let money = select(vec![1, 4_000_000]).prop_map(|amount| Credits { unit: Unit::Money, amount });
    let promo =
        (requests(), 0..2_u8, prop_oneof![operations, money], 1..3_i64, prop::bool::weighted(0.3));
    prop_oneof![
        2 => promo.prop_map(|(request, code, credits, max, ends)| {
            MoneyAsk::Promo { request, code, credits, max, ends }
        }),
        4 => (users(), 0..2_u8).prop_map(|(user, code)| MoneyAsk::Redeem { user, code }),
        1 => users().prop_map(|user| MoneyAsk::Code { user }),
        4 => (users(), users()).prop_map(|(user, by)| MoneyAsk::Invited { user, by }),
        4 => (users(), users()).prop_map(|(user, invitee)| MoneyAsk::Reward { user, invitee }),
    ]
}

fn decisions() -> impl Strategy<Value = MoneyAsk> {
    let standings = select(vec![Standing::Good, Standing::Good, Standing::Blocked]);
    prop_oneof![
        2 => (users(), 0..5_usize).prop_map(|(user, grant)| MoneyAsk::Announce { user, grant }),
        2 => (users(), requests(), 0..5_usize)
            .prop_map(|(user, request, grant)| MoneyAsk::Revoke { user, request, grant }),
        2 => (users(), requests(), standings)
            .prop_map(|(user, request, standing)| MoneyAsk::Stand { user, request, standing }),
        1 => (requests(), 0..3_usize)
            .prop_map(|(request, list)| MoneyAsk::Publish { request, list }),
    ]
}
