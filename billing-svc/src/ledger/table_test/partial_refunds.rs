//! An administrator gives back a part of what a completed operation was paid with.

use super::check;

#[test]
fn own_money_comes_back_first_then_promotional_money_the_last_taken_first() {
    let paid = "adjust a m1 5                | adjusted                                   | 5  | 5  | signup 3/3
        grant a g1 10                        | granted 10/10                              | 5  | 15 | signup 3/3, g1 10/10
        grant a g2 10 priority=1             | granted 10/10                              | 5  | 25 | signup 3/3, g1 10/10, g2 10/10
        charge a r1 poster                   | CHARGED: 10 from g1, 10 from g2            | 5  | 5  | signup 3/3, g1 0/10, g2 0/10
        complete r1                          | COMPLETED                                  | 5  | 5  | signup 3/3, g1 0/10, g2 0/10
        adjust a m2 -5                       | adjusted                                   | 0  | 0  | signup 3/3, g1 0/10, g2 0/10";
    for (amount, balance, grants) in [
        ("0.000001", "0.000001", "g1 0/10, g2 0.000001/10"),
        ("9", "9", "g1 0/10, g2 9/10"),
        ("10", "10", "g1 0/10, g2 10/10"),
        ("15", "15", "g1 5/10, g2 10/10"),
        ("20", "20", "g1 10/10, g2 10/10"),
    ] {
        check(&format!(
            "ask | answer | paid | balance | grants
            {paid}
            refund r1 as=admin amount={amount} | REFUNDED {amount} JOB_FAILED | 0 | {balance} | signup 3/3, {grants}"
        ));
    }
    check(
        "ask                          | answer                      | paid | balance | moved
         adjust a m1 15               | adjusted                    | 15   | 15      | grants > signup 3op = 3op; adjustments > available 15 = 15
         grant a g1 5                 | granted 5/5                 | 15   | 20      | grants > g1 5 = 5
         charge a r1 poster           | CHARGED: 5 from g1, 15 paid | 0    | 0       | g1 > held 5 = 0; available > held 15 = 0
         complete r1                  | COMPLETED                   | 0    | 0       | held > revenue 5 = 15; held > revenue 15 = 0
         refund r1 as=admin amount=16 | REFUNDED 16 JOB_FAILED      | 15   | 16      | revenue > available 15 = 15; revenue > g1 1 = 1",
    );
}

#[test]
fn free_operations_do_not_come_back_in_part() {
    check(
        "ask                          | answer                        | paid | free
         adjust a m1 12               | adjusted                      | 12   | 3/3
         charge a r1 edit x4          | CHARGED: 3 of signup, 12 paid | 0    | 0/3
         complete r1                  | COMPLETED                     | 0    | 0/3
         refund r1 as=admin amount=12 | REFUNDED 12 JOB_FAILED        | 12   | 0/3",
    );
}

#[test]
fn all_of_it_brings_free_operations_back_too() {
    check(
        "ask                 | answer                        | paid | held-operations | free | moved
         adjust a m1 12      | adjusted                      | 12   | 0               | 3/3  | grants > signup 3op = 3op; adjustments > available 12 = 12
         charge a r1 edit x4 | CHARGED: 3 of signup, 12 paid | 0    | 3               | 0/3  | signup > held 3op = 0op; available > held 12 = 0
         complete r1         | COMPLETED                     | 0    | 0               | 0/3  | held > revenue 3op = 0op; held > revenue 12 = 0
         refund r1 as=admin  | REFUNDED 12 JOB_FAILED        | 12   | 0               | 3/3  | revenue > signup 3op = 3op; revenue > available 12 = 12",
    );
}

#[test]
fn no_more_than_was_paid_comes_back() {
    check(
        "ask                                 | answer                 | paid
         adjust a m1 20                      | adjusted               | 20
         charge a r1 poster                  | CHARGED: 20 paid       | 0
         complete r1                         | COMPLETED              | 0
         refund r1 as=admin amount=20.000001 | INVALID_FIELD: amount  | 0
         refund r1 as=admin amount=20        | REFUNDED 20 JOB_FAILED | 20",
    );
    check(
        "ask                                | answer                | free
         charge a r1 edit                   | CHARGED: 1 of signup  | 2/3
         complete r1                        | COMPLETED             | 2/3
         refund r1 as=admin amount=0.000001 | INVALID_FIELD: amount | 2/3",
    );
}

#[test]
fn a_part_ends_the_operation_and_is_not_followed_by_another() {
    check(
        "ask                         | answer                           | paid
         adjust a m1 20              | adjusted                         | 20
         charge a r1 poster          | CHARGED: 20 paid                 | 0
         complete r1                 | COMPLETED                        | 0
         refund r1 as=admin amount=5 | REFUNDED 5 JOB_FAILED            | 5
         refund r1 as=admin amount=5 | REFUNDED 5 JOB_FAILED (replayed) | 5
         refund r1 as=admin amount=6 | REFUNDED 5 JOB_FAILED (replayed) | 5
         refund r1 as=admin          | REFUNDED 5 JOB_FAILED (replayed) | 5
         complete r1                 | OPERATION_REFUNDED of r1         | 5",
    );
}

#[test]
fn what_is_only_held_is_given_back_whole() {
    check(
        "ask                          | answer                 | paid | held
         adjust a m1 20               | adjusted               | 20   | 0
         charge a r1 poster           | CHARGED: 20 paid       | 0    | 20
         refund r1 as=admin amount=5  | INVALID_FIELD: amount  | 0    | 20
         refund r1 as=admin amount=20 | INVALID_FIELD: amount  | 0    | 20
         refund r1 as=admin           | REFUNDED 20 JOB_FAILED | 20   | 0",
    );
}
