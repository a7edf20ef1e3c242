//! What the model test may do: few users and few request_ids, so that they collide; times that jump onto and over the
//! ends of holds and grants.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::money_steps::{self, MoneyAsk};
use crate::ledger::*;

pub const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// One step of a run: time passes, then these are asked in one batch.
#[derive(Debug, Clone)]
pub struct Step {
    pub wait: Duration,
    pub asks: Vec<Ask>,
}

/// A command before ids are known: operations are named by the request_id of their charge.
#[derive(Debug, Clone)]
pub enum Ask {
    Charge {
        user: u8,
        request: u8,
        kind: &'static str,
        quantity: i64,
        max_price: Option<i64>,
        hold: Option<Duration>,
        label: bool,
    },
    Complete(u8),
    Refund {
        operation: u8,
        reason: RefundReason,
        amount: Option<i64>,
        right: RefundRight,
    },
    Extend {
        operation: u8,
        hold: Duration,
    },
    Expire(u8),
    /// The n-th grant of the user, if there is one.
    ExpireGrant {
        user: u8,
        grant: usize,
    },
    Adjust {
        user: u8,
        request: u8,
        amount: i64,
        reason: &'static str,
    },
    Grant {
        user: u8,
        request: u8,
        credits: Credits,
        kind: GrantKind,
        priority: i32,
        end: Option<u32>,
    },
    Money(MoneyAsk),
}

pub fn price_lists() -> Vec<PriceList> {
    let lists: [&[(&str, i64, bool)]; 3] = [
        &[
            ("generate", 10_000_000, true),
            ("edit", 12_000_000, true),
            ("poster", 20_000_000, false),
        ],
        &[("generate", 11_500_000, false), ("edit", 0, true), ("poster", 0, false)],
        &[("generate", 7_000_001, true), ("poster", 1, true)],
    ];
    let list = |(at, lines): (usize, &[(&str, i64, bool)])| PriceList {
        version: at as i64 + 1,
        prices: lines
            .iter()
            .map(|(kind, micros, free)| Price {
                kind: Kind::parse(*kind).unwrap(),
                amount: Amount::from_micros(*micros),
                free_operations_allowed: *free,
            })
            .collect(),
    };
    lists.into_iter().enumerate().map(list).collect()
}

pub fn policies() -> impl Strategy<Value = Policy> {
    let free_operations = select(vec![0, 1, 3]);
    let rewards = select(vec![(0, 0), (3, 3), (2, 0)]);
    let repeats = select(vec![RepeatRule::Credit, RepeatRule::Refund]);
    (free_operations, rewards, repeats, limits()).prop_map(
        |(free_operations, rewards, repeated_invoice, limits)| {
            let (inviter_operations, invitee_operations) = rewards;
            let referral = ReferralRewards { inviter_operations, invitee_operations };
            Policy { free_operations, hold: 30 * MINUTE, referral, repeated_invoice, limits }
        },
    )
}

fn limits() -> impl Strategy<Value = UserLimits> {
    let open_holds = option::of(select(vec![1, 2, 5]));
    // At a price, just below one, and of some charges together.
    let spends = vec![10_000_000, 11_999_999, 20_000_000, 32_000_001];
    let daily_spend = option::of(select(spends).prop_map(Amount::from_micros));
    (open_holds, daily_spend)
        .prop_map(|(open_holds, daily_spend)| UserLimits { open_holds, daily_spend })
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (waits(), vec(asks(), 1..8)).prop_map(|(wait, asks)| Step { wait, asks });
    vec(step, 1..24)
}

pub fn users() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0_u8), 2 => Just(1), 1 => Just(2)]
}

pub fn requests() -> impl Strategy<Value = u8> {
    0..6_u8
}

fn waits() -> impl Strategy<Value = Duration> {
    let micro = Duration::from_micros(1);
    let jumps = [MINUTE, 29 * MINUTE, 30 * MINUTE - micro, 30 * MINUTE, HOUR, DAY - micro, DAY];
    prop_oneof![
        4 => Just(Duration::ZERO),
        1 => Just(micro),
        3 => select(jumps.to_vec()),
        // The run starts at 08:00 UTC: onto midnight, or just before it.
        1 => select(vec![16 * HOUR - micro, 16 * HOUR]),
    ]
}

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        6 => charges(),
        4 => requests().prop_map(Ask::Complete),
        5 => refunds(),
        1 => (requests(), select(vec![MINUTE, 30 * MINUTE, HOUR]))
            .prop_map(|(operation, hold)| Ask::Extend { operation, hold }),
        2 => requests().prop_map(Ask::Expire),
        2 => (users(), 0..4_usize).prop_map(|(user, grant)| Ask::ExpireGrant { user, grant }),
        3 => adjustments(),
        4 => grants(),
        20 => money_steps::asks().prop_map(Ask::Money),
    ]
}

fn charges() -> impl Strategy<Value = Ask> {
    let kinds = prop_oneof![
        8 => Just("generate"), 4 => Just("edit"), 4 => Just("poster"), 1 => Just("unheard_of")
    ];
    let quantity = prop_oneof![8 => Just(1_i64), 4 => 2..6_i64, 1 => Just(100)];
    let max_price = option::weighted(0.2, select(vec![0, 10_000_000, 11_500_000, 12_000_000]));
    let hold = option::weighted(0.3, select(vec![MINUTE, HOUR]));
    let label = prop::bool::weighted(0.1);
    (users(), requests(), kinds, quantity, max_price, hold, label).prop_map(
        |(user, request, kind, quantity, max_price, hold, label)| Ask::Charge {
            user,
            request,
            kind,
            quantity,
            max_price,
            hold,
            label,
        },
    )
}

fn refunds() -> impl Strategy<Value = Ask> {
    let reason = select(vec![RefundReason::JobFailed, RefundReason::CustomerRequest]);
    let amounts = vec![1, 3_000_000, 10_000_000, 12_000_000, 20_000_000];
    let amount = option::weighted(0.5, select(amounts));
    let own = |caller: &str| RefundRight::OwnCharges { caller: caller.into() };
    let rights = prop_oneof![
        4 => Just(RefundRight::Everything),
        2 => Just(RefundRight::AnyCharged),
        1 => Just(own("bot")),
        1 => Just(own("other")),
    ];
    (requests(), reason, amount, rights).prop_map(|(operation, reason, amount, right)| {
        Ask::Refund { operation, reason, amount, right }
    })
}

fn adjustments() -> impl Strategy<Value = Ask> {
    let amounts = vec![-12_000_000, -1, 1, 5_000_000, 25_000_000, 40_000_000, 200_000_000];
    let reason = prop_oneof![8 => Just("a reason"), 1 => Just("another")];
    (users(), requests(), select(amounts), reason)
        .prop_map(|(user, request, amount, reason)| Ask::Adjust { user, request, amount, reason })
}

fn grants() -> impl Strategy<Value = Ask> {
    let operations =
        select(vec![1, 2, 5]).prop_map(|amount| Credits { unit: Unit::Operation, amount });
    let money = select(vec![1, 4_000_000, 15_000_000])
        .prop_map(|amount| Credits { unit: Unit::Money, amount });
    let kind = prop_oneof![4 => Just(GrantKind::Promo), 1 => Just(GrantKind::Compensation)];
    let end = option::weighted(0.7, select(vec![0, 30, 60, 90, 24 * 60, 26 * 60, 50 * 60]));
    (users(), requests(), prop_oneof![operations, money], kind, 0..3_i32, end).prop_map(
        |(user, request, credits, kind, priority, end)| Ask::Grant {
            user,
            request,
            credits,
            kind,
            priority,
            end,
        },
    )
}

/// Minutes after the start of the run.
pub fn minutes(after: u32) -> Timestamp {
    START.plus(after * MINUTE)
}

pub fn user_id(user: u8) -> UserId {
    UserId::parse(format!("tg:{user}")).unwrap()
}

pub fn request_id(request: u8) -> RequestId {
    RequestId::parse(format!("r-{request}")).unwrap()
}

pub fn labels(any: bool) -> BTreeMap<String, String> {
    any.then(|| ("chat".to_owned(), "7".to_owned())).into_iter().collect()
}
