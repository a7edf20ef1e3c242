//! What pays, in which order.

use super::check;

#[test]
fn free_operations_then_promotional_money_then_the_balance() {
    check(
        "ask                 | answer                                   | paid | balance | held | held-operations | free
         adjust a m1 100     | adjusted                                 | 100  | 100     | 0    | 0               | 3/3
         grant a g1 15       | granted 15/15                            | 100  | 115     | 0    | 0               | 3/3
         charge a r1 edit x5 | CHARGED: 3 of signup, 15 from g1, 9 paid | 91   | 91      | 24   | 3               | 0/3
         complete r1         | COMPLETED                                | 91   | 91      | 0    | 0               | 0/3
         charge a r2 edit    | CHARGED: 12 paid                         | 79   | 79      | 12   | 0               | 0/3",
    );
}

#[test]
fn each_slice_comes_back_to_where_it_was_taken() {
    check(
        "ask                 | answer                                   | paid | balance | free | grants
         adjust a m1 100     | adjusted                                 | 100  | 100     | 3/3  | signup 3/3
         grant a g1 15       | granted 15/15                            | 100  | 115     | 3/3  | signup 3/3, g1 15/15
         charge a r1 edit x5 | CHARGED: 3 of signup, 15 from g1, 9 paid | 91   | 91      | 0/3  | signup 0/3, g1 0/15
         refund r1           | REFUNDED 24 JOB_FAILED                   | 100  | 115     | 3/3  | signup 3/3, g1 15/15",
    );
}

#[test]
fn a_kind_that_free_operations_may_not_pay_for_takes_money() {
    check(
        "ask                | answer                                        | paid | free
         charge a r1 poster | INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing | 0    | 3/3
         adjust a m1 20     | adjusted                                      | 20   | 3/3
         charge a r2 poster | CHARGED: 20 paid                              | 0    | 3/3",
    );
}

#[test]
fn grants_are_spent_by_priority() {
    check(
        "ask                       | answer                                       | balance
         grant a low 10 priority=2 | granted 10/10                                | 10
         grant a mid 10 priority=1 | granted 10/10                                | 20
         grant a top 5             | granted 5/5                                  | 25
         charge a r1 poster        | CHARGED: 5 from top, 10 from mid, 5 from low | 5",
    );
}

#[test]
fn of_one_priority_the_grant_that_ends_first_is_spent_first() {
    check(
        "ask                       | answer                                              | balance
         grant a never 10          | granted 10/10                                       | 10
         grant a later 10 until=2h | granted 10/10 until 2h                              | 20
         grant a sooner 5 until=1h | granted 5/5 until 1h                                | 25
         charge a r1 poster        | CHARGED: 5 from sooner, 10 from later, 5 from never | 5",
    );
}

#[test]
fn priority_goes_before_expiry() {
    check(
        "ask                                 | answer                              | balance
         grant a soon 10 until=1h priority=1 | granted 10/10 until 1h              | 10
         grant a never 15                    | granted 15/15                       | 25
         charge a r1 poster                  | CHARGED: 15 from never, 5 from soon | 5",
    );
}

#[test]
fn of_one_end_the_oldest_is_spent_first() {
    check(
        "ask                     | answer                           | balance
         grant a old 15 until=1h | granted 15/15 until 1h           | 15
         wait 1us                |                                  | 15
         grant a new 15 until=1h | granted 15/15 until 1h           | 30
         charge a r1 poster      | CHARGED: 15 from old, 5 from new | 10",
    );
}

#[test]
fn free_operations_have_the_same_order() {
    check(
        "ask                                  | answer                                      | free
         grant a last 2-operations priority=1 | granted 2/2                                 | 5/5
         grant a first 2-operations until=1h  | granted 2/2 until 1h                        | 7/7
         charge a r1 edit x6                  | CHARGED: 2 of first, 3 of signup, 1 of last | 1/7",
    );
}

#[test]
fn an_expired_grant_pays_nothing() {
    check(
        "ask                     | answer                                        | balance
         grant a g1 100 until=1h | granted 100/100 until 1h                      | 100
         wait 1h                 |                                               | 0
         charge a r1 poster      | INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing | 0",
    );
}

#[test]
fn units_beyond_the_free_ones_are_paid_in_money() {
    check(
        "ask                   | answer                                              | paid  | held | free
         adjust a m1 11.99     | adjusted                                            | 11.99 | 0    | 3/3
         charge a r1 edit x4   | INSUFFICIENT_FUNDS of r1: 12 of 11.99, 0.01 missing | 11.99 | 0    | 3/3
         adjust a m2 0.01      | adjusted                                            | 12    | 0    | 3/3
         charge a r2 edit x4   | CHARGED: 3 of signup, 12 paid                       | 0     | 12   | 0/3
         charge a r3 edit x100 | INSUFFICIENT_FUNDS of r3: 1200 of 0, 1200 missing   | 0     | 12   | 0/3",
    );
}

#[test]
fn what_costs_nothing_needs_no_money() {
    check(
        "ask                 | answer                | paid | held | free | version | entries
         charge a r1 gift x7 | CHARGED               | 0    | 0    | 3/3  | 1       | 1
         complete r1         | COMPLETED             | 0    | 0    | 3/3  | 2       | 1
         refund r1 as=admin  | REFUNDED 0 JOB_FAILED | 0    | 0    | 3/3  | 3       | 1
         charge a r2 gift    | CHARGED               | 0    | 0    | 3/3  | 4       | 1
         wait 30m            |                       | 0    | 0    | 3/3  | 4       | 1
         expire r2           | swept                 | 0    | 0    | 3/3  | 5       | 1",
    );
}

/// To the letter of the design: free operations pay for units, whatever the unit costs.
#[test]
fn free_operations_pay_even_where_the_price_is_nothing() {
    check(
        "ask                  | answer               | paid | held | free
         charge a r1 hello x5 | CHARGED: 3 of signup | 0    | 0    | 0/3
         charge a r2 hello    | CHARGED              | 0    | 0    | 0/3",
    );
}

#[test]
fn a_price_of_one_micro_is_taken_to_the_micro() {
    check(
        "ask                    | answer                                                           | paid     | held
         adjust a m1 0.000005   | adjusted                                                         | 0.000005 | 0
         charge a r1 edition x3 | CHARGED: 0.000003 paid                                           | 0.000002 | 0.000003
         charge a r2 edition x3 | INSUFFICIENT_FUNDS of r2: 0.000003 of 0.000002, 0.000001 missing | 0.000002 | 0.000003
         refund r1              | REFUNDED 0.000003 JOB_FAILED                                     | 0.000005 | 0",
    );
}

#[test]
fn an_operation_keeps_the_price_that_it_was_charged_at() {
    check(
        "ask              | answer                      | paid | held
         signup-gives 0   |                             | 0    | 0
         adjust a m1 100  | adjusted                    | 100  | 0
         charge a r1 edit | CHARGED: 12 paid            | 88   | 12
         price edit 50    |                             | 88   | 12
         charge a r1 edit | CHARGED: 12 paid (replayed) | 88   | 12
         charge a r2 edit | CHARGED: 50 paid            | 38   | 62
         refund r1        | REFUNDED 12 JOB_FAILED      | 50   | 50",
    );
}
