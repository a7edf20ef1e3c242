//! What administrators decide: grants taken back, prices.

use super::check;

#[test]
fn what_is_left_of_a_grant_is_taken_back_and_what_is_held_stays() {
    check(
        "ask                      | answer                        | balance | grants               | moved
         grant a g1 50            | granted 50/50                 | 50      | signup 3/3, g1 50/50 | grants > signup 3op = 3op; grants > g1 50 = 50
         charge a r1 poster       | CHARGED: 20 from g1           | 30      | signup 3/3, g1 30/50 | g1 > held 20 = 30
         revoke a v1 g1           | granted 0/50                  | 0       | signup 3/3, g1 0/50  | g1 > grants 30 = 0
         revoke a v1 g1           | granted 0/50 (replayed)       | 0       | signup 3/3, g1 0/50  |
         revoke a v2 g1           | granted 0/50                  | 0       | signup 3/3, g1 0/50  |
         refund r1                | REFUNDED 20 JOB_FAILED        | 20      | signup 3/3, g1 20/50 | held > g1 20 = 20
         revoke a v1 signup       | REQUEST_ID_REUSED: grant_id   | 20      | signup 3/3, g1 20/50 |
         revoke a v1 g1 because=x | REQUEST_ID_REUSED: reason     | 20      | signup 3/3, g1 20/50 |
         revoke a v3 nothing      | GRANT_NOT_FOUND               | 20      | signup 3/3, g1 20/50 |
         revoke a v3 signup       | granted 0/3                   | 20      | signup 0/3, g1 20/50 | signup > grants 3op = 0op
         grant a v1 50            | REQUEST_ID_REUSED: request_id | 20      | signup 0/3, g1 20/50 |",
    );
}

#[test]
fn a_published_list_is_in_force_for_the_next_charge() {
    check(
        "ask                            | answer                        | held
         adjust a m1 100                | adjusted                      | 0
         publish l1 poster 30           | version 2                     | 0
         charge a r1 poster             | CHARGED: 30 paid              | 30
         publish l1 poster 30           | version 2 (replayed)          | 30
         publish l1 poster 31           | REQUEST_ID_REUSED: prices     | 30
         publish l1 poster 30 because=x | REQUEST_ID_REUSED: reason     | 30
         adjust a l1 30                 | REQUEST_ID_REUSED: request_id | 30
         publish l2 poster 31           | version 3                     |
         + charge a r2 poster           | CHARGED: 31 paid              | 61
         + publish l3 poster 5          | version 4                     |
         + charge a r3 poster           | CHARGED: 5 paid               | 66
         publish l2 poster 31           | version 3 (replayed)          | 66
         publish m1 poster 31           | REQUEST_ID_REUSED: request_id | 66",
    );
}
