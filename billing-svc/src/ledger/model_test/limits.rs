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

proptest! {
    #[test]
    fn whatever_numbers_a_provider_says_nothing_overflows(
        received in numbers(),
        refunds in vec((numbers(), any::<bool>(), any::<bool>()), 0..6),
        parts in vec(numbers(), 0..4),
    ) {
        let mut memory = richest();
        let spend = command(&memory, &Ask::Adjust(-MAX_MOVEMENT.micros()), 0);
        memory.run(&[spend], START);
        let new = payment();
        let credit = Command::CreditPayment {
            user_id: user_id(0),
            payment_id: new.payment_id,
            by: None,
        };
        let decide = Command::CreditPayment {
            user_id: user_id(0),
            payment_id: new.payment_id,
            by: Some((administrator(1), None)),
        };
        let paid = Command::ObservePayment(report(&new, received, &[]));
        let refunded = Command::ObservePayment(report(&new, received, &refunds));
        let commands =
            [Command::CreatePayment(new.clone()), paid, credit, decide, refunded.clone()];
        let parts = parts.iter().zip(50..).map(|(part, n)| Command::RefundPayment {
            user_id: user_id(0),
            payment_id: new.payment_id,
            refund_id: RefundId(Uuid::from_u128(n.into())),
            amount: Some(Amount::from_micros((*part).clamp(1, MAX_MOVEMENT.micros()))),
            whole_only: false,
            by: administrator(n),
        });
        for command in commands.into_iter().chain(parts).chain([refunded]) {
            memory.run(&[command], START);
            check(&memory);
        }
    }
}

/// Those of ours, and those that no provider should ever say.
fn numbers() -> impl Strategy<Value = i64> {
    let max = MAX_MOVEMENT.micros();
    select(vec![i64::MIN, -1, 0, 1, 9_999, max / 3, max - 1, max, max + 1, i64::MAX])
}

fn payment() -> NewPayment {
    NewPayment {
        payment_id: PaymentId(Uuid::from_u128(1)),
        user_id: user_id(0),
        request_id: request_id(100),
        caller: "bot".into(),
        provider: Provider::Yookassa,
        amount: MAX_MOVEMENT,
        price: ProviderAmount { amount: MAX_MOVEMENT, currency: "RUB".into() },
        return_url: None,
        receipt_email: None,
        first_check: None,
    }
}

fn report(new: &NewPayment, received: i64, refunds: &[(i64, bool, bool)]) -> Observation {
    let sum = |micros| ProviderAmount { amount: Amount::from_micros(micros), ..new.price.clone() };
    let refunds = refunds.iter().enumerate().map(|(n, (amount, dispute, over))| ReportedRefund {
        provider_refund_id: format!("f-{n}"),
        amount: sum(*amount),
        dispute: *dispute,
        state: match over {
            true => ReportedRefundState::Succeeded,
            false => ReportedRefundState::Pending,
        },
    });
    let refunds: Vec<_> = refunds.collect();
    Observation {
        user_id: new.user_id.clone(),
        payment_id: new.payment_id,
        provider: new.provider,
        repeat_id: PaymentId(Uuid::from_u128(2)),
        refund_ids: (0..=refunds.len()).map(|n| RefundId(Uuid::from_u128(n as u128))).collect(),
        report: Report {
            provider_payment_id: "y-1".into(),
            status: ProviderStatus::Paid,
            received: sum(received),
            method: None,
            refunds,
        },
    }
}

fn administrator(request: u8) -> Administrator {
    let request_id = request_id(request);
    Administrator { request_id, reason: "a reason".into(), caller: "admin".into() }
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
        limits: UserLimits::default(),
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
