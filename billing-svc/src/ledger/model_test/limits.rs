//! At the limits nothing overflows: a user who has [`MAX_BALANCE`], movements of [`MAX_MOVEMENT`], a hundred at a time.
//! Tests run with overflow checks on, so that an overflow is a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::check;
use super::memory::Memory;
use super::steps::{START, request_id, user_id};
use crate::ledger::*;

/// What a run of the limits may do; ids count up.
#[derive(Debug, Clone)]
enum Ask {
    Adjust(i64),
    GrantMoney(i64),
    Charge(i64),
    Complete(usize),
    Refund(usize, Option<i64>),
}

fn asks() -> impl Strategy<Value = Ask> {
    let max = MAX_MOVEMENT.micros();
    let amounts = select(vec![1, 2, max - 1, max]);
    let signed = (amounts.clone(), any::<bool>()).prop_map(|(n, minus)| if minus { -n } else { n });
    let partial = prop::option::of(select(vec![1, max, 99 * max, 100 * max]));
    prop_oneof![
        2 => signed.prop_map(Ask::Adjust),
        1 => amounts.prop_map(Ask::GrantMoney),
        4 => select(vec![1_i64, 99, 100]).prop_map(Ask::Charge),
        4 => (0..8_usize).prop_map(Ask::Complete),
        4 => (0..8_usize, partial).prop_map(|(operation, amount)| Ask::Refund(operation, amount)),
    ]
}

proptest! {
    #[test]
    fn nothing_overflows_at_the_limits(asks in vec(asks(), 1..30)) {
        let mut memory = richest();
        for (n, ask) in asks.iter().enumerate() {
            memory.run(&[command(&memory, ask, n as u128)], START);
            check(&memory);
        }
    }
}

#[test]
fn a_refund_makes_nobody_richer_than_the_cap() {
    let mut memory = richest();
    memory.run(&[command(&memory, &Ask::Charge(1), 0)], START);
    memory.run(&[command(&memory, &Ask::Complete(0), 1)], START);
    memory.run(&[command(&memory, &Ask::Adjust(MAX_MOVEMENT.micros()), 2)], START);
    let refund = command(&memory, &Ask::Refund(0, None), 3);
    let decision = memory.run(std::slice::from_ref(&refund), START);
    assert!(
        matches!(decision.outcomes[0], Err(Rejection::InvalidField { field: "amount", .. })),
        "{decision:?}"
    );
    check(&memory);

    memory.run(&[command(&memory, &Ask::Adjust(-MAX_MOVEMENT.micros()), 4)], START);
    let decision = memory.run(&[refund], START);
    assert!(decision.outcomes[0].is_ok(), "{decision:?}");
    assert_eq!(memory.view(&user_id(0), START).balance, MAX_BALANCE);
}

/// One user, who has all that anyone can have.
fn richest() -> Memory {
    let policy = Policy {
        free_operations: 0,
        hold: std::time::Duration::from_secs(60),
        referral: ReferralRewards::default(),
        repeated_invoice: RepeatRule::Credit,
    };
    let price = Price {
        kind: Kind::parse("dearest").unwrap(),
        amount: MAX_MOVEMENT,
        free_operations_allowed: true,
    };
    let mut memory = Memory::new(policy, PriceList { version: 1, prices: vec![price] });
    // By hand, because 1,000 adjustments of the greatest size would be slow to check again and again.
    let user_id = user_id(0);
    memory.users.insert(
        user_id.clone(),
        User {
            user_id: user_id.clone(),
            available: MAX_BALANCE,
            held: Amount::ZERO,
            held_operations: 0,
            standing: Standing::Good,
            version: 1,
            last_entry: 1,
            last_event: 0,
            topups: 0,
            create_time: START,
        },
    );
    memory.entries.push(Entry {
        user_id,
        sequence: 1,
        from: Account::Adjustments,
        to: Account::Available,
        unit: Unit::Money,
        amount: MAX_BALANCE.micros(),
        reference: Reference::Rule,
        create_time: START,
        balance_after: MAX_BALANCE.micros(),
    });
    check(&memory);
    memory
}

fn command(memory: &Memory, ask: &Ask, n: u128) -> Command {
    let user_id = user_id(0);
    let id = Uuid::from_u128(n + 1);
    let request_id = request_id(n as u8);
    let nth = |at: usize| {
        let operation_id = memory.operations.keys().nth(at).copied();
        operation_id.unwrap_or(OperationId(Uuid::max()))
    };
    match *ask {
        Ask::Adjust(amount) => Command::AdjustBalance {
            user_id,
            request_id,
            amount: Amount::from_micros(amount),
            reason: "a reason".into(),
            caller: "admin".into(),
        },
        Ask::GrantMoney(amount) => Command::GrantCredits(GrantCredits {
            user_id,
            request_id,
            grant_id: GrantId(id),
            credits: Credits { unit: Unit::Money, amount },
            kind: GrantKind::Promo,
            priority: 0,
            expire_time: None,
            reason: "a reason".into(),
            caller: "admin".into(),
        }),
        Ask::Charge(quantity) => Command::Charge(Charge {
            user_id,
            request_id,
            operation_id: OperationId(id),
            caller: "bot".into(),
            kind: Kind::parse("dearest").unwrap(),
            quantity,
            max_price: None,
            hold: None,
            labels: Default::default(),
        }),
        Ask::Complete(operation) => Command::Complete { user_id, operation_id: nth(operation) },
        Ask::Refund(operation, amount) => Command::Refund {
            user_id,
            operation_id: nth(operation),
            reason: RefundReason::CustomerRequest,
            comment: String::new(),
            amount: amount.map(Amount::from_micros),
            right: RefundRight::Everything,
        },
    }
}
