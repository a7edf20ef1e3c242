//! What users are told of operations and grants.

use super::check;

#[test]
fn an_operation_that_is_given_back_is_told_with_what_came_back() {
    check(
        "ask                         | answer                            | told
         adjust a m1 100             | adjusted                          |
         charge a r1 edit x4         | CHARGED: 3 of signup, 12 paid     |
         refund r1                   | REFUNDED 12 JOB_FAILED            | edit refunded: 12 and 3 free
         refund r1                   | REFUNDED 12 JOB_FAILED (replayed) |
         charge a r2 edit            | CHARGED: 1 of signup              |
         complete r2                 | COMPLETED                         |
         charge a r3 edit            | CHARGED: 1 of signup              |
         extend r3 1h                | until 1h                          |
         wait 61m                    |                                   |
         expire r3                   | swept                             | edit expired: 0 and 1 free
         charge a r4 poster          | CHARGED: 20 paid                  |
         complete r4                 | COMPLETED                         |
         refund r4 as=admin amount=5 | REFUNDED 5 JOB_FAILED             | poster refunded: 5 and 0 free",
    );
}

#[test]
fn what_is_given_is_told_with_its_cause_and_again_before_it_is_lost() {
    check(
        "ask                              | answer                          | told
         grant a g1 2-operations until=2h | granted 2/2 until 2h            | given 2/2 until 2h by ADMIN
         grant a g1 2-operations until=2h | granted 2/2 until 2h (replayed) |
         grant a g2 2-operations          | granted 2/2                     | given 2/2 by ADMIN
         announce a g2                    | nothing to sweep                |
         announce a g1                    | swept                           | g1 ends: 2/2 until 2h
         announce a g1                    | nothing to sweep                |
         announce a nothing               | nothing to sweep                |
         grant a g3 20 until=2h           | granted 20/20 until 2h          | given 20/20 until 2h by ADMIN
         charge a r1 poster               | CHARGED: 20 from g3             |
         announce a g3                    | nothing to sweep                |
         wait 2h                          |                                 |
         expire-grant a g1                | swept                           |
         announce a g1                    | nothing to sweep                |
         refund r1                        | REFUNDED 20 JOB_FAILED          | poster refunded: 20 and 0 free
         announce a g3                    | swept                           | g3 ends: 20/20 until 26h
         announce a g3                    | nothing to sweep                |",
    );
}
