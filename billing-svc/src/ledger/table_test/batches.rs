//! Several commands in one batch: each sees what those before it did.

use super::check;

#[test]
fn the_second_charge_of_a_batch_sees_what_the_first_took() {
    check(
        "ask                    | answer                                         | paid | held | version | entries
         adjust a m1 30         | adjusted                                       | 30   | 0    | 1       | 2
         charge a r1 poster     | CHARGED: 20 paid                               | 10   | 20   | 2       |
         + charge a r2 poster   | INSUFFICIENT_FUNDS of r2: 20 of 10, 10 missing |      |      |         |
         + charge a r3 generate | CHARGED: 1 of signup                           | 10   | 20   | 4       | 4",
    );
}

#[test]
fn the_last_free_operation_is_taken_once() {
    check(
        "ask                | answer                                        | free | held-operations
         signup-gives 1     |                                               | 1/1  | 0
         charge a r1 edit   | CHARGED: 1 of signup                          | 0/1  |
         + charge a r2 edit | INSUFFICIENT_FUNDS of r2: 12 of 0, 12 missing | 0/1  | 1",
    );
}

#[test]
fn money_that_came_earlier_in_the_batch_can_be_spent() {
    check(
        "ask                  | answer           | paid | held | moved
         adjust a m1 20       | adjusted         | 20   | 0    |
         + charge a r1 poster | CHARGED: 20 paid | 0    | 20   |
         + complete r1        | COMPLETED        | 0    | 0    | grants > signup 3op = 3op; adjustments > available 20 = 20; available > held 20 = 0; held > revenue 20 = 0",
    );
}

#[test]
fn the_same_charge_twice_in_a_batch_is_charged_once() {
    check(
        "ask                   | answer                          | free | version | entries
         charge a r1 edit      | CHARGED: 1 of signup            | 2/3  | 1       |
         + charge a r1 edit    | CHARGED: 1 of signup (replayed) | 2/3  | 1       |
         + charge a r1 edit x2 | REQUEST_ID_REUSED: quantity     |      |         |
         + charge b r1 edit    | REQUEST_ID_REUSED: user_id      | 3/3  | 0       | 0",
    );
}

#[test]
fn the_same_decline_twice_in_a_batch_is_kept_once() {
    let decline = "INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing";
    check(&format!(
        "ask                  | answer    | paid | version
         charge a r1 poster   | {decline} |      |
         + adjust a m1 20     | adjusted  | 20   | 2
         + charge a r1 poster | {decline} | 20   | 2"
    ));
}

#[test]
fn the_same_request_of_an_administrator_twice_in_a_batch_is_done_once() {
    check(
        "ask             | answer                        | balance | version | entries
         adjust a m1 5   | adjusted                      | 5       | 1       |
         + adjust a m1 5 | adjusted (replayed)           | 5       | 1       |
         + grant a m1 5  | REQUEST_ID_REUSED: request_id |         |         |
         + grant a g1 7  | granted 7/7                   | 12      | 2       |
         + grant a g1 7  | granted 7/7 (replayed)        | 12      | 2       |
         + adjust a g1 7 | REQUEST_ID_REUSED: request_id | 12      | 2       | 3",
    );
}

#[test]
fn of_complete_and_refund_in_one_batch_the_first_wins() {
    check(
        "ask                  | answer                            | paid | held
         adjust a m1 40       | adjusted                          | 40   | 0
         charge a r1 poster   | CHARGED: 20 paid                  | 20   | 20
         + charge a r2 poster | CHARGED: 20 paid                  | 0    | 40
         complete r1          | COMPLETED                         | 0    | 20
         + refund r1          | OPERATION_COMPLETED of r1         |      |
         + refund r2          | REFUNDED 20 JOB_FAILED            | 20   | 0
         + complete r2        | OPERATION_REFUNDED of r2          |      |
         + refund r2          | REFUNDED 20 JOB_FAILED (replayed) | 20   | 0",
    );
}

#[test]
fn the_sweeper_and_a_completion_in_one_batch_do_not_both_happen() {
    check(
        "ask                | answer                   | paid | held
         adjust a m1 20     | adjusted                 | 20   | 0
         charge a r1 poster | CHARGED: 20 paid         | 0    | 20
         wait 30m           |                          | 0    | 20
         expire r1          | swept                    |      |
         + expire r1        | nothing to sweep         |      |
         + complete r1      | OPERATION_REFUNDED of r1 | 20   | 0",
    );
}

#[test]
fn users_of_one_batch_do_not_touch_each_other() {
    check(
        "ask                  | answer                                        | paid | free | version | entries
         adjust a m1 20       | adjusted                                      | 20   | 3/3  | 1       |
         + adjust b m2 5      | adjusted                                      | 5    | 3/3  | 1       |
         + charge a r1 poster | CHARGED: 20 paid                              | 0    | 3/3  | 2       |
         + charge b r2 poster | INSUFFICIENT_FUNDS of r2: 20 of 5, 15 missing |      |      |         |
         + charge b r3 edit   | CHARGED: 1 of signup                          | 5    | 2/3  | 3       | 3
         charge a r4 edit     | CHARGED: 1 of signup                          | 0    | 2/3  | 3       | 4",
    );
}

#[test]
fn a_refused_command_does_not_fail_its_neighbours() {
    check(
        "ask                    | answer               | paid | free
         charge a r1 unheard_of | UNKNOWN_KIND         |      |
         + complete r9          | OPERATION_NOT_FOUND  |      |
         + adjust a m1 5        | adjusted             | 5    | 3/3
         + charge a r2 edit     | CHARGED: 1 of signup | 5    | 2/3",
    );
}

#[test]
fn a_grant_that_was_given_and_taken_from_in_one_batch_is_written_in_its_last_form() {
    check(
        "ask                    | answer                 | balance | grants
         grant a g1 30 until=1h | granted 30/30 until 1h | 30      |
         + charge a r1 poster   | CHARGED: 20 from g1    | 10      | signup 3/3, g1 10/30 until 1h
         refund r1              | REFUNDED 20 JOB_FAILED | 30      |
         + charge a r2 poster   | CHARGED: 20 from g1    | 10      | signup 3/3, g1 10/30 until 1h",
    );
}
