//! Promo codes and referrals.

use super::check;
use super::world::World;
use crate::ledger::{Command, UserId, needs};

#[test]
fn a_code_gives_its_grant_once_to_each_user() {
    check(
        "ask                                         | answer                           | balance | free | told
         promo c1 SPRING 5-operations max=2 lost=24h | SPRING 0/2                       | 0       | 3/3  |
         redeem a SPRING                             | granted 5/5 until 24h            | 0       | 8/8  | given 5/5 until 24h by PROMO_CODE
         redeem a SPRING                             | granted 5/5 until 24h (replayed) | 0       | 8/8  |
         redeem a AUTUMN                             | PROMO_CODE_NOT_FOUND             | 0       | 8/8  |
         redeem b SPRING                             | granted 5/5 until 24h            | 0       | 8/8  | given 5/5 until 24h by PROMO_CODE
         redeem c SPRING                             | PROMO_CODE_USED_UP               | 0       | 3/3  |
         redeem b SPRING                             | granted 5/5 until 24h (replayed) | 0       | 8/8  |
         promo c2 MONEY 7                            | MONEY 0/100                      | 0       | 8/8  |
         redeem a MONEY                              | granted 7/7                      | 7       | 8/8  | given 7/7 by PROMO_CODE",
    );
}

#[test]
fn a_code_ends_with_its_time_and_with_that_of_what_it_gives() {
    check(
        "ask                                           | answer                                      | free
         promo c1 HOUR 5-operations until=1h           | HOUR 0/100                                  | 3/3
         promo c2 SHORT 5-operations until=2h lost=30m | SHORT 0/100                                 | 3/3
         redeem a HOUR                                 | granted 5/5                                 | 8/8
         wait 30m                                      |                                             | 8/8
         redeem a SHORT                                | PROMO_CODE_EXPIRED                          | 8/8
         wait 30m                                      |                                             | 8/8
         redeem b HOUR                                 | PROMO_CODE_EXPIRED                          | 3/3
         redeem a HOUR                                 | granted 5/5 (replayed)                      | 8/8
         promo c3 LATE 5-operations until=1h           | INVALID_FIELD: promo_code.expire_time       | 8/8
         promo c3 LATE 5-operations lost=59m           | INVALID_FIELD: promo_code.grant_expire_time | 8/8",
    );
}

#[test]
fn a_code_is_made_once() {
    check(
        "ask                                                              | answer
         promo c1 SPRING 5-operations max=3 until=24h lost=48h            | SPRING 0/3
         promo c1 SPRING 5-operations max=3 until=24h lost=48h            | SPRING 0/3 (replayed)
         redeem a SPRING                                                  | granted 5/5 until 48h
         promo c1 SPRING 5-operations max=3 until=24h lost=48h            | SPRING 1/3 (replayed)
         promo c2 SPRING 5-operations max=3 until=24h lost=48h            | PROMO_CODE_EXISTS
         promo c1 AUTUMN 5-operations max=3 until=24h lost=48h            | REQUEST_ID_REUSED: promo_code.code
         promo c1 SPRING 5-operations max=3 until=24h lost=48h campaign=x | REQUEST_ID_REUSED: promo_code.campaign
         promo c1 SPRING 6-operations max=3 until=24h lost=48h            | REQUEST_ID_REUSED: promo_code.credits
         promo c1 SPRING 0.000005 max=3 until=24h lost=48h                | REQUEST_ID_REUSED: promo_code.credits
         promo c1 SPRING 5-operations max=4 until=24h lost=48h            | REQUEST_ID_REUSED: promo_code.max_redemptions
         promo c1 SPRING 5-operations max=3 until=25h lost=48h            | REQUEST_ID_REUSED: promo_code.expire_time
         promo c1 SPRING 5-operations max=3 until=24h lost=49h            | REQUEST_ID_REUSED: promo_code.grant_expire_time
         promo c1 SPRING 5-operations max=3 until=24h lost=48h because=x  | REQUEST_ID_REUSED: reason
         adjust a c1 5                                                    | REQUEST_ID_REUSED: request_id",
    );
}

#[test]
fn a_blocked_user_redeems_nothing_and_is_answered_what_was() {
    check(
        "ask                | answer                 | balance
         promo c1 ONE 5     | ONE 0/100              | 0
         promo c2 TWO 5     | TWO 0/100              | 0
         redeem a ONE       | granted 5/5            | 5
         stand a s1 BLOCKED | adjusted               | 5
         redeem a TWO       | BLOCKED                | 5
         redeem a ONE       | granted 5/5 (replayed) | 5",
    );
}

#[test]
fn a_code_makes_nobody_richer_than_the_cap() {
    check(
        "ask                      | answer              | balance
         promo c1 ONE 5           | ONE 0/100           | 0
         adjust a m1 999999999996 | adjusted            | 999999999996
         redeem a ONE             | INVALID_FIELD: code | 999999999996
         adjust a m2 -1           | adjusted            | 999999999995
         redeem a ONE             | granted 5/5         | 1000000000000",
    );
}

#[test]
fn both_sides_get_theirs_at_the_first_payment_of_the_invited() {
    check(
        "ask                | answer             | free  | told
         code a aaaaaaaaaa  | aaaaaaaaaa         | 3/3   |
         code a bbbbbbbbbb  | aaaaaaaaaa         | 3/3   |
         invited b a        | invited            | 3/3   |
         invited b a        | invited (replayed) | 3/3   |
         reward a b         | nothing to sweep   | 3/3   |
         pay b p1 100       | CREATED            | 3/3   |
         report p1 y-1 paid | PAID               | 3/3   | payment PAID 100
         credit p1          | CREDITED 100       | 7/7   | payment CREDITED 100; given 4/4 by INVITED
         reward c b         | nothing to sweep   | 3/3   |
         reward a b         | swept              | 10/10 | given 7/7 by INVITER
         reward a b         | nothing to sweep   | 10/10 |
         reward b a         | nothing to sweep   | 7/7   |
         pay b p2 100       | CREATED            | 7/7   |
         report p2 y-2 paid | PAID               | 7/7   | payment PAID 100
         credit p2          | CREDITED 100       | 7/7   | payment CREDITED 100
         reward a b         | nothing to sweep   | 10/10 |",
    );
}

#[test]
fn an_invitation_is_for_those_who_are_new() {
    check(
        "ask                | answer
         invited a a        | REFERRAL_REFUSED: Own
         invited b a        | invited
         invited b c        | REFERRAL_REFUSED: Invited
         invited a b        | REFERRAL_REFUSED: Loop
         invited a c        | REFERRAL_REFUSED: Loop
         pay d p1 100       | CREATED
         report p1 y-1 paid | PAID
         credit p1          | CREDITED 100
         invited d a        | REFERRAL_REFUSED: Customer
         stand e s1 BLOCKED | adjusted
         invited e a        | BLOCKED
         invited f e        | invited",
    );
}

#[test]
fn two_who_invite_each_other_in_one_batch_are_no_circle() {
    check(
        "ask           | answer
         invited a b   | invited
         + invited b a | REFERRAL_REFUSED: Loop
         invited c b   | invited
         + invited b c | REFERRAL_REFUSED: Loop",
    );
}

#[test]
fn both_users_of_an_invitation_are_locked_so_that_instances_can_close_no_circle() {
    let user = |id| UserId::parse(id).unwrap();
    let command = Command::AcceptReferral { user_id: user("a"), inviter: user("b") };
    let policy = World::new(&[]).memory.policy;
    assert_eq!(needs(&policy, [&command]).users, [user("a"), user("b")].into());
}
