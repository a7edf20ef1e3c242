//! Who owes, who is blocked, and what pays a debt.

use super::check;

#[test]
fn a_chargeback_of_what_was_spent_leaves_a_debt_that_the_next_payment_repays_first() {
    check(
        "ask                                         | answer                 | paid | held | standing | told
         signup-gives 0                              |                        | 0    | 0    | Good     |
         pay a p1 100                                | CREATED                | 0    | 0    | Good     |
         report p1 y-1 paid                          | PAID                   | 0    | 0    | Good     | payment PAID 100
         credit p1                                   | CREDITED 100           | 100  | 0    | Good     | payment CREDITED 100
         charge a r1 poster x4                       | CHARGED: 80 paid       | 20   | 80   | Good     |
         complete r1                                 | COMPLETED              | 20   | 0    | Good     |
         charge a r2 poster                          | CHARGED: 20 paid       | 0    | 20   | Good     |
         report p1 y-1 paid dispute:d-1:100:pending  | DISPUTED 100 of 100    | -100 | 20   | InDebt   | refund DISPUTE PENDING 100; payment DISPUTED 100; Good > InDebt at -100
         charge a r3 edit                            | IN_DEBT of r3          | -100 | 20   | InDebt   |
         pay a p2 50                                 | CREATED                | -100 | 20   | InDebt   |
         report p2 y-2 paid                          | PAID                   | -100 | 20   | InDebt   | payment PAID 50
         credit p2                                   | CREDITED 50            | -50  | 20   | InDebt   | payment CREDITED 50
         refund r2                                   | REFUNDED 20 JOB_FAILED | -30  | 0    | InDebt   | poster refunded: 20 and 0 free
         pay a p3 100                                | CREATED                | -30  | 0    | InDebt   |
         report p3 y-3 paid                          | PAID                   | -30  | 0    | InDebt   | payment PAID 100
         credit p3                                   | CREDITED 100           | 70   | 0    | Good     | payment CREDITED 100; InDebt > Good at 70
         charge a r4 edit                            | CHARGED: 12 paid       | 58   | 12   | Good     |
         report p1 y-1 paid dispute:d-1:100:canceled | CREDITED 100           | 158  | 12   | Good     | refund DISPUTE REVERSED 100; payment CREDITED 100",
    );
}

#[test]
fn a_blocked_user_stays_blocked_and_is_in_debt_when_let_go() {
    check(
        "ask                  | answer                      | paid | standing | told
         pay a p1 100         | CREATED                     | 0    | Good     |
         report p1 y-1 paid   | PAID                        | 0    | Good     | payment PAID 100
         credit p1            | CREDITED 100                | 100  | Good     | payment CREDITED 100
         adjust a m1 -80      | adjusted                    | 20   | Good     |
         stand a s1 BLOCKED   | adjusted                    | 20   | Blocked  | Good > Blocked at 20
         stand a s1 BLOCKED   | adjusted (replayed)         | 20   | Blocked  |
         dispute p1 l1 opened | DISPUTED 100 of 100         | -80  | Blocked  | refund DISPUTE PENDING 100; payment DISPUTED 100
         stand a s2 GOOD      | adjusted                    | -80  | InDebt   | Blocked > InDebt at -80
         adjust a m2 80       | adjusted                    | 0    | Good     | InDebt > Good at 0
         stand a s3 GOOD      | adjusted                    | 0    | Good     |
         stand a s1 GOOD      | REQUEST_ID_REUSED: standing | 0    | Good     |
         stand b s1 BLOCKED   | REQUEST_ID_REUSED: user_id  | 0    | Good     |
         stand b s4 BLOCKED   | adjusted                    | 0    | Blocked  | Good > Blocked at 0",
    );
}

#[test]
fn a_user_who_owes_and_is_repaid_within_one_command_is_told_nothing() {
    check(
        "ask                                                             | answer             | paid | standing | told
         pay a p1 100                                                    | CREATED            | 0    | Good     |
         report p1 y-1 paid                                              | PAID               | 0    | Good     | payment PAID 100
         credit p1                                                       | CREDITED 100       | 100  | Good     | payment CREDITED 100
         adjust a m1 -100                                                | adjusted           | 0    | Good     |
         report p1 y-1 paid refund:r-1:50:pending                        | REFUNDED 50 of 100 | -50  | InDebt   | refund PROVIDER PENDING 50; payment REFUNDED 100; Good > InDebt at -50
         report p1 y-1 paid refund:r-1:50:canceled refund:r-2:50:pending | REFUNDED 50 of 100 | -50  | InDebt   | refund PROVIDER REVERSED 50; refund PROVIDER PENDING 50
         report p1 y-1 paid refund:r-2:50:canceled                       | CREDITED 100       | 0    | Good     | refund PROVIDER REVERSED 50; payment CREDITED 100; InDebt > Good at 0",
    );
}

#[test]
fn what_expires_back_into_the_balance_repays_too() {
    check(
        "ask                | answer           | paid | standing | told
         adjust a m1 20     | adjusted         | 20   | Good     |
         charge a r1 poster | CHARGED: 20 paid | 0    | Good     |
         debt a 15          |                  | -15  | InDebt   |
         wait 30m           |                  | -15  | InDebt   |
         expire r1          | swept            | 5    | Good     | poster expired: 20 and 0 free; InDebt > Good at 5",
    );
}
