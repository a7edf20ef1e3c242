//! What administrators do.

use super::check;

#[test]
fn a_balance_goes_up_and_down_and_never_below_zero() {
    check(
        "ask               | answer                                      | paid | version | moved
         adjust a m1 10    | adjusted                                    | 10   | 1       | grants > signup 3op = 3op; adjustments > available 10 = 10
         adjust a m2 -3    | adjusted                                    | 7    | 2       | available > adjustments 3 = 7
         adjust a m3 -7.01 | INSUFFICIENT_FUNDS: 7.01 of 7, 0.01 missing | 7    | 2       |
         adjust a m4 -7    | adjusted                                    | 0    | 3       | available > adjustments 7 = 0",
    );
}

#[test]
fn neither_held_nor_promotional_money_can_be_taken() {
    check(
        "ask                | answer                                | paid | balance | held
         adjust a m1 20     | adjusted                              | 20   | 20      | 0
         charge a r1 poster | CHARGED: 20 paid                      | 0    | 0       | 20
         grant a g1 50      | granted 50/50                         | 0    | 50      | 20
         adjust a m2 -1     | INSUFFICIENT_FUNDS: 1 of 0, 1 missing | 0    | 50      | 20",
    );
}

#[test]
fn a_refused_adjustment_is_not_kept_and_makes_no_user() {
    check(
        "ask            | answer                                | paid | version
         adjust a m1 -5 | INSUFFICIENT_FUNDS: 5 of 0, 5 missing | 0    | 0
         adjust a m2 5  | adjusted                              | 5    | 1
         adjust a m1 -5 | adjusted                              | 0    | 2",
    );
}

#[test]
fn an_adjustment_again_is_answered_and_not_repeated() {
    check(
        "ask            | answer              | paid | version
         adjust a m1 5  | adjusted            | 5    | 1
         adjust a m1 5  | adjusted (replayed) | 5    | 1
         adjust a m2 -5 | adjusted            | 0    | 2
         adjust a m2 -5 | adjusted (replayed) | 0    | 2",
    );
}

#[test]
fn another_adjustment_under_the_same_request_id_names_the_field() {
    check(
        "ask                     | answer                        | paid
         adjust b m0 1           | adjusted                      | 1
         adjust a m1 5           | adjusted                      | 5
         adjust b m1 5           | REQUEST_ID_REUSED: user_id    | 1
         adjust a m1 6           | REQUEST_ID_REUSED: amount     | 5
         adjust a m1 -5          | REQUEST_ID_REUSED: amount     | 5
         adjust a m1 5 because=x | REQUEST_ID_REUSED: reason     | 5
         adjust b m1 6 because=x | REQUEST_ID_REUSED: user_id    | 1
         adjust a m1 6 because=x | REQUEST_ID_REUSED: amount     | 5
         grant a m1 5            | REQUEST_ID_REUSED: request_id | 5
         grant b m1 5            | REQUEST_ID_REUSED: user_id    | 1",
    );
}

#[test]
fn another_grant_under_the_same_request_id_names_the_field() {
    check(
        "ask                                                           | answer                          | balance | free
         adjust b m0 1                                                 | adjusted                        | 1       | 3/3
         grant a g1 2-operations until=1h priority=5                   | granted 2/2 until 1h            | 0       | 5/5
         grant a g1 2-operations until=1h priority=5                   | granted 2/2 until 1h (replayed) | 0       | 5/5
         grant b g1 2-operations until=1h priority=5                   | REQUEST_ID_REUSED: user_id      | 1       | 3/3
         grant a g1 3-operations until=1h priority=5                   | REQUEST_ID_REUSED: operations   | 0       | 5/5
         grant a g1 0.000002 until=1h priority=5                       | REQUEST_ID_REUSED: amount       | 0       | 5/5
         grant a g1 2-operations until=1h priority=5 kind=COMPENSATION | REQUEST_ID_REUSED: kind         | 0       | 5/5
         grant a g1 2-operations until=1h priority=6                   | REQUEST_ID_REUSED: priority     | 0       | 5/5
         grant a g1 2-operations until=2h priority=5                   | REQUEST_ID_REUSED: expire_time  | 0       | 5/5
         grant a g1 2-operations priority=5                            | REQUEST_ID_REUSED: expire_time  | 0       | 5/5
         grant a g1 2-operations until=1h priority=5 because=x         | REQUEST_ID_REUSED: reason       | 0       | 5/5
         adjust a g1 2                                                 | REQUEST_ID_REUSED: request_id   | 0       | 5/5
         grant a g2 7                                                  | granted 7/7                     | 7       | 5/5
         grant a g2 8                                                  | REQUEST_ID_REUSED: amount       | 7       | 5/5
         grant a g2 7-operations                                       | REQUEST_ID_REUSED: operations   | 7       | 5/5",
    );
}

#[test]
fn a_grant_again_answers_what_is_left_of_it_even_after_its_end() {
    check(
        "ask                               | answer                             | free | version
         grant a g1 2-operations until=20m | granted 2/2 until 20m              | 5/5  | 1
         charge a r1 edit                  | CHARGED: 1 of g1                   | 4/5  | 2
         grant a g1 2-operations until=20m | granted 1/2 until 20m (replayed)   | 4/5  | 2
         wait 20m                          |                                    | 3/3  | 2
         expire-grant a g1                 | swept                              | 3/3  | 3
         grant a g1 2-operations until=20m | granted 0/2 until 20m (replayed)   | 3/3  | 3
         refund r1                         | REFUNDED 0 JOB_FAILED              | 4/5  | 4
         grant a g1 2-operations until=20m | granted 1/2 until 1460m (replayed) | 4/5  | 4",
    );
}

#[test]
fn a_grant_ends_in_the_future() {
    check(
        "ask                                   | answer                         | free | version
         wait 1h                               |                                | 3/3  | 0
         grant a g1 1-operations until=59m+59s | INVALID_FIELD: expire_time     | 3/3  | 0
         grant a g1 1-operations until=1h      | INVALID_FIELD: expire_time     | 3/3  | 0
         grant a g1 1-operations until=1h+1us  | granted 1/1 until 3600000001us | 4/4  | 1",
    );
}

#[test]
fn nobody_has_more_than_the_cap() {
    let cap = "1000000000000";
    let nearly = "999999999990";
    check(&format!(
        "ask                           | answer                      | paid         | balance      | held
         adjust a m1 {nearly}          | adjusted                    | {nearly}     | {nearly}     | 0
         adjust a m2 10.000001         | INVALID_FIELD: amount       | {nearly}     | {nearly}     | 0
         grant a g1 10.000001          | INVALID_FIELD: amount       | {nearly}     | {nearly}     | 0
         grant a g2 4                  | granted 4/4                 | {nearly}     | 999999999994 | 0
         adjust a m3 6                 | adjusted                    | 999999999996 | {cap}        | 0
         adjust a m4 0.000001          | INVALID_FIELD: amount       | 999999999996 | {cap}        | 0
         grant a g3 0.000001           | INVALID_FIELD: amount       | 999999999996 | {cap}        | 0
         charge a r1 poster            | CHARGED: 4 from g2, 16 paid | 999999999980 | 999999999980 | 20
         adjust a m4 0.000001          | INVALID_FIELD: amount       | 999999999980 | 999999999980 | 20
         grant a g3 1000000-operations | granted 1000000/1000000     | 999999999980 | 999999999980 | 20
         complete r1                   | COMPLETED                   | 999999999980 | 999999999980 | 0
         adjust a m5 1                 | adjusted                    | 999999999981 | 999999999981 | 0
         refund r1 as=admin            | INVALID_FIELD: amount       | 999999999981 | 999999999981 | 0
         refund r1 as=admin amount=19  | REFUNDED 19 JOB_FAILED      | 999999999997 | {cap}        | 0"
    ));
}

#[test]
fn a_grant_that_nobody_swept_counts_towards_the_cap() {
    check(
        "ask                               | answer                                       | balance
         grant a g1 1000000000000 until=1h | granted 1000000000000/1000000000000 until 1h | 1000000000000
         wait 1h                           |                                              | 0
         adjust a m1 1                     | INVALID_FIELD: amount                        | 0
         expire-grant a g1                 | swept                                        | 0
         adjust a m1 1                     | adjusted                                     | 1",
    );
}
