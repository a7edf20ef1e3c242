//! Ends of holds and of grants, and what a refund does with a grant that has ended.

use super::check;

#[test]
fn the_sweeper_gives_a_hold_back_at_its_end_and_not_before() {
    check(
        "ask                | answer                         | paid | held | moved
         adjust a m1 20     | adjusted                       | 20   | 0    | grants > signup 3op = 3op; adjustments > available 20 = 20
         charge a r1 poster | CHARGED: 20 paid               | 0    | 20   | available > held 20 = 0
         wait 29m+59s       |                                | 0    | 20   |
         expire r1          | nothing to sweep               | 0    | 20   |
         wait 1s            |                                | 0    | 20   |
         expire r1          | swept                          | 20   | 0    | held > available 20 = 20
         expire r1          | nothing to sweep               | 20   | 0    |
         complete r1        | OPERATION_REFUNDED of r1       | 20   | 0    |
         refund r1          | REFUNDED 20 EXPIRED (replayed) | 20   | 0    |
         charge a r1 poster | REFUNDED 20 EXPIRED (replayed) | 20   | 0    |",
    );
}

#[test]
fn a_hold_lasts_as_long_as_was_asked() {
    check(
        "ask                      | answer               | free
         charge a r1 edit hold=1m | CHARGED: 1 of signup | 2/3
         charge a r2 edit hold=1h | CHARGED: 1 of signup | 1/3
         wait 1m                  |                      | 1/3
         expire r1                | swept                | 2/3
         expire r2                | nothing to sweep     | 2/3
         wait 59m                 |                      | 2/3
         expire r2                | swept                | 3/3",
    );
}

#[test]
fn a_grant_can_be_spent_until_its_end() {
    check(
        "ask                              | answer                                        | balance | paid | free | moved
         grant a g1 20 until=1h           | granted 20/20 until 1h                        | 20      | 0    | 3/3  | grants > signup 3op = 3op; grants > g1 20 = 20
         grant a g2 2-operations until=1h | granted 2/2 until 1h                          | 20      | 0    | 5/5  | grants > g2 2op = 2op
         wait 59m                         |                                               | 20      | 0    | 5/5  |
         expire-grant a g1                | nothing to sweep                              | 20      | 0    | 5/5  |
         wait 59s                         |                                               | 20      | 0    | 5/5  |
         charge a r1 generate             | CHARGED: 1 of g2                              | 20      | 0    | 4/5  | g2 > held 1op = 1op
         wait 1s                          |                                               | 0       | 0    | 3/3  |
         charge a r2 poster               | INSUFFICIENT_FUNDS of r2: 20 of 0, 20 missing | 0       | 0    | 3/3  |
         charge a r3 generate             | CHARGED: 1 of signup                          | 0       | 0    | 2/3  | signup > held 1op = 2op
         expire-grant a g1                | swept                                         | 0       | 0    | 2/3  | g1 > expired 20 = 0
         expire-grant a g1                | nothing to sweep                              | 0       | 0    | 2/3  |
         expire-grant a g2                | swept                                         | 0       | 0    | 2/3  | g2 > expired 1op = 0op
         expire-grant a signup            | nothing to sweep                              | 0       | 0    | 2/3  |",
    );
}

#[test]
fn a_refund_into_a_grant_that_lives_changes_no_end() {
    check(
        "ask                              | answer                | free | grants
         grant a g1 5-operations until=1h | granted 5/5 until 1h  | 8/8  | signup 3/3, g1 5/5 until 1h
         charge a r1 edit                 | CHARGED: 1 of g1      | 7/8  | signup 3/3, g1 4/5 until 1h
         wait 20m                         |                       | 7/8  | signup 3/3, g1 4/5 until 1h
         refund r1                        | REFUNDED 0 JOB_FAILED | 8/8  | signup 3/3, g1 5/5 until 1h",
    );
}

#[test]
fn a_refund_into_an_expired_grant_gives_a_grace_of_a_day_to_what_came_back() {
    check(
        "ask                               | answer                | free | grants
         grant a g1 5-operations until=20m | granted 5/5 until 20m | 8/8  | signup 3/3, g1 5/5 until 20m
         charge a r1 edit x2               | CHARGED: 2 of g1      | 6/8  | signup 3/3, g1 3/5 until 20m
         wait 20m                          |                       | 3/3  | signup 3/3, g1 3/5 until 20m
         expire-grant a g1                 | swept                 | 3/3  | signup 3/3, g1 0/5 until 20m
         refund r1                         | REFUNDED 0 JOB_FAILED | 5/8  | signup 3/3, g1 2/5 until 1460m
         charge a r2 edit                  | CHARGED: 1 of g1      | 4/8  | signup 3/3, g1 1/5 until 1460m
         complete r2                       | COMPLETED             | 4/8  | signup 3/3, g1 1/5 until 1460m
         wait 24h                          |                       | 3/3  | signup 3/3, g1 1/5 until 1460m
         expire-grant a g1                 | swept                 | 3/3  | signup 3/3, g1 0/5 until 1460m",
    );
}

#[test]
fn what_had_expired_beside_a_refund_stays_lost_whether_the_sweeper_came_or_not() {
    check(
        "ask                               | answer                | free | moved
         grant a g1 5-operations until=20m | granted 5/5 until 20m | 8/8  | grants > signup 3op = 3op; grants > g1 5op = 5op
         charge a r1 edit                  | CHARGED: 1 of g1      | 7/8  | g1 > held 1op = 4op
         wait 20m                          |                       | 3/3  |
         refund r1                         | REFUNDED 0 JOB_FAILED | 4/8  | g1 > expired 4op = 0op; held > g1 1op = 1op",
    );
    check(
        "ask                         | answer                  | balance | moved
         grant a g1 30 until=20m     | granted 30/30 until 20m | 30      | grants > signup 3op = 3op; grants > g1 30 = 30
         charge a r1 poster          | CHARGED: 20 from g1     | 10      | g1 > held 20 = 10
         complete r1                 | COMPLETED               | 10      | held > revenue 20 = 0
         wait 20m                    |                         | 0       |
         refund r1 as=admin amount=5 | REFUNDED 5 JOB_FAILED   | 5       | g1 > expired 10 = 0; revenue > g1 5 = 5
         wait 24h                    |                         | 0       |
         expire-grant a g1           | swept                   | 0       | g1 > expired 5 = 0",
    );
}

#[test]
fn the_sweeper_of_holds_gives_the_same_grace() {
    check(
        "ask                               | answer                | free | grants
         grant a g1 1-operations until=20m | granted 1/1 until 20m | 4/4  | signup 3/3, g1 1/1 until 20m
         charge a r1 edit                  | CHARGED: 1 of g1      | 3/4  | signup 3/3, g1 0/1 until 20m
         wait 30m                          |                       | 3/3  | signup 3/3, g1 0/1 until 20m
         expire r1                         | swept                 | 4/4  | signup 3/3, g1 1/1 until 1470m",
    );
}

#[test]
fn a_second_refund_within_the_grace_joins_it() {
    check(
        "ask                               | answer                | free | grants
         grant a g1 2-operations until=20m | granted 2/2 until 20m | 5/5  | signup 3/3, g1 2/2 until 20m
         charge a r1 edit hold=48h         | CHARGED: 1 of g1      | 4/5  | signup 3/3, g1 1/2 until 20m
         charge a r2 edit hold=48h         | CHARGED: 1 of g1      | 3/5  | signup 3/3, g1 0/2 until 20m
         wait 20m                          |                       | 3/3  | signup 3/3, g1 0/2 until 20m
         refund r1                         | REFUNDED 0 JOB_FAILED | 4/5  | signup 3/3, g1 1/2 until 1460m
         wait 23h                          |                       | 4/5  | signup 3/3, g1 1/2 until 1460m
         refund r2                         | REFUNDED 0 JOB_FAILED | 5/5  | signup 3/3, g1 2/2 until 1460m",
    );
}

#[test]
fn a_refund_after_the_grace_gives_another_and_does_not_revive_the_first() {
    check(
        "ask                               | answer                | free | grants
         grant a g1 2-operations until=20m | granted 2/2 until 20m | 5/5  | signup 3/3, g1 2/2 until 20m
         charge a r1 edit hold=48h         | CHARGED: 1 of g1      | 4/5  | signup 3/3, g1 1/2 until 20m
         charge a r2 edit hold=48h         | CHARGED: 1 of g1      | 3/5  | signup 3/3, g1 0/2 until 20m
         wait 20m                          |                       | 3/3  | signup 3/3, g1 0/2 until 20m
         refund r1                         | REFUNDED 0 JOB_FAILED | 4/5  | signup 3/3, g1 1/2 until 1460m
         wait 24h                          |                       | 3/3  | signup 3/3, g1 1/2 until 1460m
         refund r2                         | REFUNDED 0 JOB_FAILED | 4/5  | signup 3/3, g1 1/2 until 2900m",
    );
}
