//! The state table of the design, line by line.

use super::check;

#[test]
fn a_charged_operation_can_be_completed() {
    check(
        "ask                | answer               | paid | held | free | moved
         adjust a m1 100    | adjusted             | 100  | 0    | 3/3  | grants > signup 3op = 3op; adjustments > available 100 = 100
         charge a r1 poster | CHARGED: 20 paid     | 80   | 20   | 3/3  | available > held 20 = 80
         complete r1        | COMPLETED            | 80   | 0    | 3/3  | held > revenue 20 = 0
         complete r1        | COMPLETED (replayed) | 80   | 0    | 3/3  |",
    );
}

#[test]
fn a_charged_operation_can_be_refunded() {
    check(
        "ask                        | answer                                      | paid | held | free | moved
         adjust a m1 100            | adjusted                                    | 100  | 0    | 3/3  | grants > signup 3op = 3op; adjustments > available 100 = 100
         charge a r1 poster         | CHARGED: 20 paid                            | 80   | 20   | 3/3  | available > held 20 = 80
         refund r1 saying=sorry     | REFUNDED 20 JOB_FAILED \"sorry\"            | 100  | 0    | 3/3  | held > available 20 = 100
         refund r1 CONTENT_REJECTED | REFUNDED 20 JOB_FAILED \"sorry\" (replayed) | 100  | 0    | 3/3  |",
    );
}

#[test]
fn a_completed_operation_is_refunded_by_an_admin_alone() {
    check(
        "ask                                 | answer                                  | paid | held | free
         adjust a m1 20                      | adjusted                                | 20   | 0    | 3/3
         charge a r1 poster                  | CHARGED: 20 paid                        | 0    | 20   | 3/3
         complete r1                         | COMPLETED                               | 0    | 0    | 3/3
         refund r1 as=worker                 | OPERATION_COMPLETED of r1               | 0    | 0    | 3/3
         refund r1 as=bot                    | OPERATION_COMPLETED of r1               | 0    | 0    | 3/3
         extend r1 1h                        | OPERATION_COMPLETED of r1               | 0    | 0    | 3/3
         wait 24h                            |                                         | 0    | 0    | 3/3
         expire r1                           | nothing to sweep                        | 0    | 0    | 3/3
         charge a r1 poster                  | COMPLETED (replayed)                    | 0    | 0    | 3/3
         complete r1                         | COMPLETED (replayed)                    | 0    | 0    | 3/3
         refund r1 CUSTOMER_REQUEST as=admin | REFUNDED 20 CUSTOMER_REQUEST            | 20   | 0    | 3/3
         refund r1 as=admin                  | REFUNDED 20 CUSTOMER_REQUEST (replayed) | 20   | 0    | 3/3",
    );
}

#[test]
fn a_refunded_operation_stays_refunded() {
    check(
        "ask                         | answer                            | paid | held | free
         adjust a m1 20              | adjusted                          | 20   | 0    | 3/3
         charge a r1 poster          | CHARGED: 20 paid                  | 0    | 20   | 3/3
         refund r1                   | REFUNDED 20 JOB_FAILED            | 20   | 0    | 3/3
         complete r1                 | OPERATION_REFUNDED of r1          | 20   | 0    | 3/3
         extend r1 1h                | OPERATION_REFUNDED of r1          | 20   | 0    | 3/3
         refund r1 as=bot            | REFUNDED 20 JOB_FAILED (replayed) | 20   | 0    | 3/3
         refund r1 as=admin amount=1 | REFUNDED 20 JOB_FAILED (replayed) | 20   | 0    | 3/3
         charge a r1 poster          | REFUNDED 20 JOB_FAILED (replayed) | 20   | 0    | 3/3
         wait 24h                    |                                   | 20   | 0    | 3/3
         expire r1                   | nothing to sweep                  | 20   | 0    | 3/3",
    );
}

#[test]
fn a_declined_operation_stays_declined() {
    let decline = "INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing";
    check(&format!(
        "ask                | answer                   | paid | held | free
         charge a r1 poster | {decline}                | 0    | 0    | 3/3
         complete r1        | OPERATION_DECLINED of r1 | 0    | 0    | 3/3
         refund r1          | OPERATION_DECLINED of r1 | 0    | 0    | 3/3
         refund r1 as=admin | OPERATION_DECLINED of r1 | 0    | 0    | 3/3
         extend r1 1h       | OPERATION_DECLINED of r1 | 0    | 0    | 3/3
         charge a r1 poster | {decline}                | 0    | 0    | 3/3
         wait 24h           |                          | 0    | 0    | 3/3
         expire r1          | nothing to sweep         | 0    | 0    | 3/3"
    ));
}

#[test]
fn an_unknown_operation_is_not_found_and_makes_no_user() {
    check(
        "ask          | answer              | free | version
         complete r1  | OPERATION_NOT_FOUND | 3/3  | 0
         refund r1    | OPERATION_NOT_FOUND | 3/3  | 0
         extend r1 1h | OPERATION_NOT_FOUND | 3/3  | 0
         expire r1    | OPERATION_NOT_FOUND | 3/3  | 0",
    );
}

#[test]
fn who_may_refund_only_own_charges_may_not_refund_others() {
    check(
        "ask                         | answer                      | paid | held
         adjust a m1 40              | adjusted                    | 40   | 0
         charge a r1 poster by=bot   | CHARGED: 20 paid            | 20   | 20
         refund r1 as=other          | FORBIDDEN                   | 20   | 20
         refund r1 as=bot            | REFUNDED 20 JOB_FAILED      | 40   | 0
         refund r1 as=other          | FORBIDDEN                   | 40   | 0
         charge a r2 poster by=bot   | CHARGED: 20 paid            | 20   | 20
         charge a r2 poster by=other | CHARGED: 20 paid (replayed) | 20   | 20
         refund r2 as=other          | FORBIDDEN                   | 20   | 20",
    );
}

#[test]
fn a_hold_is_extended_and_never_made_shorter() {
    check(
        "ask                | answer               | held | version
         adjust a m1 20     | adjusted             | 0    | 1
         charge a r1 poster | CHARGED: 20 paid     | 20   | 2
         extend r1 30m      | until 30m (replayed) | 20   | 2
         extend r1 1m       | until 30m (replayed) | 20   | 2
         wait 10m           |                      | 20   | 2
         extend r1 20m      | until 30m (replayed) | 20   | 2
         extend r1 30m      | until 40m            | 20   | 3
         extend r1 30m      | until 40m (replayed) | 20   | 3
         extend r1 168h     | until 10090m         | 20   | 4",
    );
}

#[test]
fn a_hold_that_has_ended_lives_until_the_sweeper_comes() {
    check(
        "ask                | answer           | paid | held
         adjust a m1 40     | adjusted         | 40   | 0
         charge a r1 poster | CHARGED: 20 paid | 20   | 20
         charge a r2 poster | CHARGED: 20 paid | 0    | 40
         wait 31m           |                  | 0    | 40
         extend r1 30m      | until 61m        | 0    | 40
         complete r2        | COMPLETED        | 0    | 20
         expire r1          | nothing to sweep | 0    | 20
         wait 30m           |                  | 0    | 20
         expire r1          | swept            | 20   | 0",
    );
}
