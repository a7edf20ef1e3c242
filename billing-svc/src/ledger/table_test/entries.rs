//! Users as the first write makes them, versions, and entries with the balance after each.

use super::check;

#[test]
fn reading_an_unknown_user_answers_what_a_new_one_would_have() {
    check(
        "ask            | answer | paid | held | free | version | standing
         wait 1h        |        | 0    | 0    | 3/3  | 0       | Good
         signup-gives 5 |        | 0    | 0    | 5/5  | 0       | Good",
    );
}

#[test]
fn the_first_write_makes_the_user_even_if_it_is_a_decline() {
    check(
        "ask                | answer                                        | free | version | entries | moved
         charge a r1 poster | INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing | 3/3  | 1       | 1       | grants > signup 3op = 3op
         charge a r1 poster | INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing | 3/3  | 1       | 1       |
         charge b r2 edit   | CHARGED: 1 of signup                          | 2/3  | 1       | 2       | grants > signup 3op = 3op; signup > held 1op = 2op
         adjust c m1 1      | adjusted                                      | 3/3  | 1       | 2       | grants > signup 3op = 3op; adjustments > available 1 = 1
         grant d g1 1       | granted 1/1                                   | 3/3  | 1       | 2       | grants > signup 3op = 3op; grants > g1 1 = 1",
    );
}

#[test]
fn where_sign_up_gives_nothing_there_is_no_grant() {
    check(
        "ask              | answer                                        | free | version | entries | grants
         signup-gives 0   |                                               | 0/0  | 0       | 0       |
         charge a r1 edit | INSUFFICIENT_FUNDS of r1: 12 of 0, 12 missing | 0/0  | 1       | 0       |
         signup-gives 3   |                                               | 0/0  | 1       | 0       |
         adjust a m1 12   | adjusted                                      | 0/0  | 2       | 1       |",
    );
}

#[test]
fn the_version_rises_by_one_with_each_command_that_writes_and_with_no_other() {
    check(
        "ask                   | answer                                        | version | entries
         adjust a m1 100       | adjusted                                      | 1       | 2
         charge a r1 edit x4   | CHARGED: 3 of signup, 12 paid                 | 2       | 4
         charge a r1 edit x4   | CHARGED: 3 of signup, 12 paid (replayed)      | 2       | 4
         charge a r1 edit x5   | REQUEST_ID_REUSED: quantity                   | 2       | 4
         extend r1 1h          | until 1h                                      | 3       | 4
         extend r1 1h          | until 1h (replayed)                           | 3       | 4
         complete r1           | COMPLETED                                     | 4       | 6
         complete r1           | COMPLETED (replayed)                          | 4       | 6
         refund r1             | OPERATION_COMPLETED of r1                     | 4       | 6
         refund r1 as=admin    | REFUNDED 12 JOB_FAILED                        | 5       | 8
         refund r1 as=admin    | REFUNDED 12 JOB_FAILED (replayed)             | 5       | 8
         grant a g1 1 until=1h | granted 1/1 until 1h                          | 6       | 9
         grant a g1 1 until=1h | granted 1/1 until 1h (replayed)               | 6       | 9
         wait 1h               |                                               | 6       | 9
         expire-grant a g1     | swept                                         | 7       | 10
         expire-grant a g1     | nothing to sweep                              | 7       | 10
         charge a r2 poster x5 | CHARGED: 100 paid                             | 8       | 11
         charge a r3 poster    | INSUFFICIENT_FUNDS of r3: 20 of 0, 20 missing | 9       | 11
         wait 30m              |                                               | 9       | 11
         expire r2             | swept                                         | 10      | 12
         expire r2             | nothing to sweep                              | 10      | 12",
    );
}

#[test]
fn each_entry_tells_the_balance_after_it() {
    check(
        "ask                 | answer                                   | moved
         adjust a m1 100     | adjusted                                 | grants > signup 3op = 3op; adjustments > available 100 = 100
         grant a g1 15       | granted 15/15                            | grants > g1 15 = 15
         charge a r1 edit x5 | CHARGED: 3 of signup, 15 from g1, 9 paid | signup > held 3op = 0op; g1 > held 15 = 0; available > held 9 = 91
         charge a r2 poster  | CHARGED: 20 paid                         | available > held 20 = 71
         complete r1         | COMPLETED                                | held > revenue 3op = 0op; held > revenue 15 = 29; held > revenue 9 = 20
         refund r2           | REFUNDED 20 JOB_FAILED                   | held > available 20 = 91
         refund r1 as=admin  | REFUNDED 24 JOB_FAILED                   | revenue > signup 3op = 3op; revenue > g1 15 = 15; revenue > available 9 = 100
         adjust a m2 -40     | adjusted                                 | available > adjustments 40 = 60",
    );
}
