//! Open holds and daily spend. A table starts at 08:00 UTC.

use super::check;
use super::world::World;
use crate::ledger::*;

#[test]
fn as_many_holds_as_the_limit_says_and_each_that_ends_frees_a_place() {
    check(
        "ask                | answer                 | paid | held | free | version
         limit holds 2      |                        | 0    | 0    | 3/3  | 0
         adjust a m1 100    | adjusted               | 100  | 0    | 3/3  | 1
         charge a r1 poster | CHARGED: 20 paid       | 80   | 20   | 3/3  | 2
         charge a r2 edit   | CHARGED: 1 of signup   | 80   | 20   | 2/3  | 3
         charge a r3 edit   | OPEN_HOLDS: 2          | 80   | 20   | 2/3  | 3
         charge b r4 edit   | CHARGED: 1 of signup   | 0    | 0    | 2/3  | 1
         complete r1        | COMPLETED              | 80   | 0    | 2/3  | 4
         charge a r3 edit   | CHARGED: 1 of signup   | 80   | 0    | 1/3  | 5
         charge a r5 edit   | OPEN_HOLDS: 2          | 80   | 0    | 1/3  | 5
         refund r2          | REFUNDED 0 JOB_FAILED  | 80   | 0    | 2/3  | 6
         charge a r5 gift   | CHARGED                | 80   | 0    | 2/3  | 7
         wait 30m           |                        | 80   | 0    | 2/3  | 7
         charge a r6 gift   | OPEN_HOLDS: 2          | 80   | 0    | 2/3  | 7
         expire r3          | swept                  | 80   | 0    | 3/3  | 8
         charge a r6 gift   | CHARGED                | 80   | 0    | 3/3  | 9
         refund r1 as=admin | REFUNDED 20 JOB_FAILED | 100  | 0    | 3/3  | 10
         charge a r7 gift   | OPEN_HOLDS: 2          | 100  | 0    | 3/3  | 10",
    );
}

#[test]
fn within_a_batch_each_command_counts_what_those_before_it_did() {
    check(
        "ask                  | answer                       | paid
         limit holds 2        |                              | 0
         limit spend 50       |                              | 0
         adjust a m1 100      | adjusted                     | 100
         charge a r1 poster   | CHARGED: 20 paid             | 80
         + charge a r2 poster | CHARGED: 20 paid             | 60
         + charge a r3 gift   | OPEN_HOLDS: 2                |
         + complete r1        | COMPLETED                    | 60
         + charge a r4 poster | DAILY_SPEND: 10 of 50 left, wait 16h |
         + refund r2          | REFUNDED 20 JOB_FAILED       | 80
         + charge a r4 poster | CHARGED: 20 paid             | 60
         + charge a r1 poster | COMPLETED (replayed)         | 60",
    );
}

#[test]
fn what_was_spent_today_counts_and_what_came_back_does_not() {
    check(
        "ask                                           | answer                                     | paid | version
         limit spend 50                                |                                            | 0    | 0
         adjust a m1 200                               | adjusted                                   | 200  | 1
         charge a r1 poster                            | CHARGED: 20 paid                           | 180  | 2
         complete r1                                   | COMPLETED                                  | 180  | 3
         charge a r2 poster                            | CHARGED: 20 paid                           | 160  | 4
         charge a r3 poster                            | DAILY_SPEND: 10 of 50 left, wait 16h       | 160  | 4
         charge a r4 edit x3                           | CHARGED: 3 of signup                       | 160  | 5
         charge a r5 gift                              | CHARGED                                    | 160  | 6
         charge a r6 edition x100                      | CHARGED: 0.0001 paid                       | 159.9999 | 7
         charge a r7 generate                          | DAILY_SPEND: 9.9999 of 50 left, wait 16h   | 159.9999 | 7
         refund r6                                     | REFUNDED 0.0001 JOB_FAILED                 | 160  | 8
         charge a r7 generate                          | CHARGED: 10 paid                           | 150  | 9
         charge a r8 edition                           | DAILY_SPEND: 0 of 50 left, wait 16h        | 150  | 9
         refund r1 CUSTOMER_REQUEST as=admin amount=5  | REFUNDED 5 CUSTOMER_REQUEST                | 155  | 10
         charge a r9 edition x2                        | CHARGED: 0.000002 paid                     | 154.999998 | 11
         charge a r3 poster                            | DAILY_SPEND: 4.999998 of 50 left, wait 16h | 154.999998 | 11
         charge b r10 hello                            | CHARGED: 1 of signup                       | 0    | 1",
    );
}

#[test]
fn promotional_money_is_money() {
    check(
        "ask                | answer                              | balance
         limit spend 25     |                                     | 0
         grant a g1 100     | granted 100/100                     | 100
         charge a r1 poster | CHARGED: 20 from g1                 | 80
         charge a r2 poster | DAILY_SPEND: 5 of 25 left, wait 16h | 80",
    );
}

#[test]
fn a_day_ends_at_midnight_utc_and_a_refund_belongs_to_the_day_of_its_charge() {
    check(
        "ask                | answer                                     | paid
         limit spend 20     |                                            | 0
         adjust a m1 100    | adjusted                                   | 100
         wait 15h+59m       |                                            | 100
         charge a r1 poster | CHARGED: 20 paid                           | 80
         charge a r2 poster | DAILY_SPEND: 0 of 20 left, wait 1m         | 80
         wait 59s           |                                            | 80
         charge a r2 poster | DAILY_SPEND: 0 of 20 left, wait 1000000us  | 80
         wait 1s            |                                            | 80
         charge a r2 poster | CHARGED: 20 paid                           | 60
         refund r1          | REFUNDED 20 JOB_FAILED                     | 80
         charge a r3 poster | DAILY_SPEND: 0 of 20 left, wait 24h        | 80
         refund r2          | REFUNDED 20 JOB_FAILED                     | 100
         charge a r3 poster | CHARGED: 20 paid                           | 80",
    );
}

#[test]
fn what_no_day_can_hold_names_no_time_to_wait() {
    check(
        "ask                   | answer                         | paid
         limit spend 30        |                                | 0
         adjust a m1 100       | adjusted                       | 100
         charge a r1 poster x2 | DAILY_SPEND: 30 of 30 left     | 100
         charge a r2 poster    | CHARGED: 20 paid               | 80
         charge a r1 poster x2 | DAILY_SPEND: 10 of 30 left     | 80
         limit spend none      |                                | 80
         charge a r1 poster x2 | CHARGED: 40 paid               | 40",
    );
}

#[test]
fn what_was_answered_before_is_never_limited() {
    check(
        "ask                      | answer                                        | paid
         adjust a m1 100          | adjusted                                      | 100
         charge a r1 poster       | CHARGED: 20 paid                              | 80
         charge a r2 poster max=1 | PRICE_CHANGED of r2: 20                       | 80
         limit holds 1            |                                               | 80
         limit spend 1            |                                               | 80
         charge a r1 poster       | CHARGED: 20 paid (replayed)                   | 80
         charge a r1 edit         | REQUEST_ID_REUSED: kind                       | 80
         charge a r2 poster max=1 | PRICE_CHANGED of r2: 20                       | 80
         extend r1 2h             | until 2h                                      | 80
         charge a r3 unheard_of   | UNKNOWN_KIND                                  | 80",
    );
}

#[test]
fn another_refusal_comes_first_and_is_kept() {
    check(
        "ask                      | answer                                         | paid
         limit holds 1            |                                                | 0
         limit spend 1            |                                                | 0
         charge a r1 hello        | CHARGED: 1 of signup                           | 0
         charge a r2 poster max=1 | PRICE_CHANGED of r2: 20                        | 0
         charge a r3 poster       | INSUFFICIENT_FUNDS of r3: 20 of 0, 20 missing  | 0
         adjust a m1 100          | adjusted                                       | 100
         charge a r4 poster       | OPEN_HOLDS: 1                                  | 100
         complete r1              | COMPLETED                                      | 100
         charge a r4 poster       | DAILY_SPEND: 1 of 1 left                       | 100
         block a                  |                                                | 100
         charge a r4 poster       | USER_BLOCKED of r4                             | 100",
    );
}

#[test]
fn only_a_configured_limit_counts_and_only_for_those_who_are_charged() {
    let mut world = World::new(&[]);
    let user = |id| UserId::parse(id).unwrap();
    let operation_id = OperationId(uuid::Uuid::max());
    let batch = [
        charge("a"),
        Command::Complete { user_id: user("b"), operation_id },
        Command::Expire { user_id: user("c"), operation_id },
    ];
    let counted = |policy: &Policy| {
        let needs = needs(policy, &batch);
        assert_eq!(needs.users, ["a", "b", "c"].map(user).into());
        (needs.open_holds, needs.daily_spend)
    };
    let policy = &mut world.memory.policy;
    assert_eq!(counted(policy), ([].into(), [].into()), "nothing by default");
    policy.limits.open_holds = Some(1);
    assert_eq!(counted(policy), ([user("a")].into(), [].into()));
    policy.limits = UserLimits { open_holds: None, daily_spend: Some(Amount::units(1)) };
    assert_eq!(counted(policy), ([].into(), [user("a")].into()));
}

fn charge(user: &str) -> Command {
    Command::Charge(Charge {
        user_id: UserId::parse(user).unwrap(),
        request_id: RequestId::parse("r1").unwrap(),
        operation_id: OperationId(uuid::Uuid::nil()),
        caller: "bot".into(),
        kind: Kind::parse("edit").unwrap(),
        quantity: 1,
        max_price: None,
        hold: None,
        labels: Default::default(),
    })
}
