//! Refused charges: each reason, kept under its request_id and refused again in the same words.

use super::check;

#[test]
fn too_little_money_is_declined_in_the_same_words_even_after_money_came() {
    let decline = "INSUFFICIENT_FUNDS of r1: 20 of 7.5, 12.5 missing";
    check(&format!(
        "ask                | answer             | paid | balance | free
         adjust a m1 5      | adjusted           | 5    | 5       | 3/3
         grant a g1 2.5     | granted 2.50/2.50  | 5    | 7.50    | 3/3
         charge a r1 poster | {decline}          | 5    | 7.50    | 3/3
         adjust a m2 100    | adjusted           | 105  | 107.50  | 3/3
         charge a r1 poster | {decline}          | 105  | 107.50  | 3/3
         price poster 1     |                    | 105  | 107.50  | 3/3
         charge a r1 poster | {decline}          | 105  | 107.50  | 3/3
         block a            |                    | 105  | 107.50  | 3/3
         charge a r1 poster | {decline}          | 105  | 107.50  | 3/3
         unblock a          |                    | 105  | 107.50  | 3/3
         charge a r2 poster | CHARGED: 1 from g1 | 105  | 106.50  | 3/3",
        decline = decline.replace(".5", ".50"),
    ));
}

#[test]
fn a_decline_takes_nothing_not_even_free_operations() {
    check(
        "ask                 | answer                                       | paid | held | free | version | moved
         adjust a m1 5       | adjusted                                     | 5    | 0    | 3/3  | 1       | grants > signup 3op = 3op; adjustments > available 5 = 5
         charge a r1 edit x4 | INSUFFICIENT_FUNDS of r1: 12 of 5, 7 missing | 5    | 0    | 3/3  | 2       |",
    );
}

#[test]
fn above_max_price_is_declined_and_at_it_is_charged() {
    check(
        "ask                               | answer                      | paid | held
         signup-gives 0                    |                             | 0    | 0
         adjust a m1 100                   | adjusted                    | 100  | 0
         charge a r1 edit x2 max=23.999999 | PRICE_CHANGED of r1: 24     | 100  | 0
         charge a r2 edit x2 max=24        | CHARGED: 24 paid            | 76   | 24
         charge a r3 edit x2 max=24.000001 | CHARGED: 24 paid            | 52   | 48
         charge a r4 edit max=0            | PRICE_CHANGED of r4: 12     | 52   | 48
         charge a r5 gift max=0            | CHARGED                     | 52   | 48
         price edit 5                      |                             | 52   | 48
         charge a r1 edit x2 max=23.999999 | PRICE_CHANGED of r1: 24     | 52   | 48
         price edit 20                     |                             | 52   | 48
         charge a r2 edit x2 max=24        | CHARGED: 24 paid (replayed) | 52   | 48",
    );
}

#[test]
fn max_price_guards_the_list_price_whatever_pays() {
    check(
        "ask                     | answer                  | free
         charge a r1 edit max=11 | PRICE_CHANGED of r1: 12 | 3/3
         charge a r2 edit max=12 | CHARGED: 1 of signup    | 2/3",
    );
}

#[test]
fn a_blocked_user_is_declined() {
    check(
        "ask                | answer                      | paid | free | standing
         adjust a m1 100    | adjusted                    | 100  | 3/3  | Good
         charge a r0 poster | CHARGED: 20 paid            | 80   | 3/3  | Good
         block a            |                             | 80   | 3/3  | Blocked
         charge a r1 edit   | USER_BLOCKED of r1          | 80   | 3/3  | Blocked
         charge a r2 gift   | USER_BLOCKED of r2          | 80   | 3/3  | Blocked
         charge a r0 poster | CHARGED: 20 paid (replayed) | 80   | 3/3  | Blocked
         refund r0          | REFUNDED 20 JOB_FAILED      | 100  | 3/3  | Blocked
         unblock a          |                             | 100  | 3/3  | Good
         charge a r1 edit   | USER_BLOCKED of r1          | 100  | 3/3  | Good
         charge a r3 edit   | CHARGED: 1 of signup        | 100  | 2/3  | Good",
    );
}

#[test]
fn a_user_in_debt_is_declined_until_the_debt_is_paid() {
    check(
        "ask               | answer                                   | paid  | standing
         adjust a m1 10    | adjusted                                 | 10    | Good
         debt a 30         |                                          | -20   | InDebt
         charge a r1 edit  | IN_DEBT of r1                            | -20   | InDebt
         charge a r2 gift  | IN_DEBT of r2                            | -20   | InDebt
         adjust a m2 -1    | INSUFFICIENT_FUNDS: 1 of -20, 21 missing | -20   | InDebt
         adjust a m3 19.99 | adjusted                                 | -0.01 | InDebt
         charge a r3 edit  | IN_DEBT of r3                            | -0.01 | InDebt
         adjust a m4 0.01  | adjusted                                 | 0     | Good
         charge a r1 edit  | IN_DEBT of r1                            | 0     | Good
         charge a r4 edit  | CHARGED: 1 of signup                     | 0     | Good",
    );
}

#[test]
fn a_refund_may_pay_the_debt() {
    check(
        "ask                | answer                 | paid | held | standing
         adjust a m1 20     | adjusted               | 20   | 0    | Good
         charge a r1 poster | CHARGED: 20 paid       | 0    | 20   | Good
         debt a 15          |                        | -15  | 20   | InDebt
         refund r1          | REFUNDED 20 JOB_FAILED | 5    | 0    | Good",
    );
}

#[test]
fn of_several_reasons_the_standing_is_told_first_then_the_price_then_the_money() {
    check(
        "ask                      | answer                                        | paid
         charge a r1 poster       | INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing | 0
         charge a r2 poster max=1 | PRICE_CHANGED of r2: 20                       | 0
         block a                  |                                               | 0
         charge a r3 poster max=1 | USER_BLOCKED of r3                            | 0
         charge a r4 unheard_of   | UNKNOWN_KIND                                  | 0",
    );
}

#[test]
fn an_unknown_kind_is_not_kept_and_makes_no_user() {
    check(
        "ask                    | answer               | free | version
         charge a r1 unheard_of | UNKNOWN_KIND         | 3/3  | 0
         charge a r1 edit       | CHARGED: 1 of signup | 2/3  | 1",
    );
}
