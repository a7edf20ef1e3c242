//! Chargebacks: told by the provider, or by letter only.

use super::check;

#[test]
fn a_dispute_that_is_won_gives_the_money_back_and_one_that_is_lost_does_not() {
    check(
        "ask                               | answer                         | paid | refunds                                    | told
         pay a p1 100                      | CREATED                        | 0    |                                            |
         report p1 y-1 paid                | PAID                           | 0    |                                            | payment PAID 100
         credit p1                         | CREDITED 100                   | 100  |                                            | payment CREDITED 100
         dispute p1 l1 won                 | PAYMENT_STATE: CREDITED        | 100  |                                            |
         dispute p1 l1 opened              | DISPUTED 100 of 100            | 0    | DISPUTE PENDING 100                        | refund DISPUTE PENDING 100; payment DISPUTED 100
         dispute p1 l1 opened              | DISPUTED 100 of 100 (replayed) | 0    | DISPUTE PENDING 100                        |
         give-back p1 g1                   | PAYMENT_STATE: DISPUTED        | 0    | DISPUTE PENDING 100                        |
         dispute p1 l2 won                 | CREDITED 100                   | 100  | DISPUTE REVERSED 100                       | refund DISPUTE REVERSED 100; payment CREDITED 100
         dispute p1 l2 won                 | CREDITED 100 (replayed)        | 100  | DISPUTE REVERSED 100                       |
         dispute p1 l3 opened amount=40    | DISPUTED 40 of 100             | 60   | DISPUTE REVERSED 100; DISPUTE PENDING 40   | refund DISPUTE PENDING 40; payment DISPUTED 100
         give-back p1 g1                   | PAYMENT_STATE: DISPUTED        | 60   | DISPUTE REVERSED 100; DISPUTE PENDING 40   |
         dispute p1 l4 lost                | REFUNDED 40 of 100             | 60   | DISPUTE REVERSED 100; DISPUTE SUCCEEDED 40 | refund DISPUTE SUCCEEDED 40; payment REFUNDED 100
         dispute p1 l5 lost                | PAYMENT_STATE: REFUNDED        | 60   | DISPUTE REVERSED 100; DISPUTE SUCCEEDED 40 |
         dispute p1 l6 opened amount=60.01 | INVALID_FIELD: amount          | 60   | DISPUTE REVERSED 100; DISPUTE SUCCEEDED 40 |",
    );
}

#[test]
fn a_dispute_that_the_provider_tells_of_is_followed() {
    check(
        "ask                                          | answer                         | paid | refunds
         pay a p1 100                                 | CREATED                        | 0    |
         report p1 y-1 paid                           | PAID                           | 0    |
         credit p1                                    | CREDITED 100                   | 100  |
         report p1 y-1 paid dispute:d-1:100:pending   | DISPUTED 100 of 100            | 0    | DISPUTE d-1 PENDING 100
         report p1 y-1 paid dispute:d-1:100:canceled  | CREDITED 100                   | 100  | DISPUTE d-1 REVERSED 100
         report p1 y-1 paid dispute:d-1:100:pending   | CREDITED 100 (replayed)        | 100  | DISPUTE d-1 REVERSED 100
         report p1 y-1 paid dispute:d-1:100:succeeded | REFUNDED 100 of 100            | 0    | DISPUTE d-1 SUCCEEDED 100
         report p1 y-1 paid dispute:d-1:100:pending   | REFUNDED 100 of 100 (replayed) | 0    | DISPUTE d-1 SUCCEEDED 100",
    );
}

#[test]
fn a_dispute_known_by_letter_is_not_taken_again_when_the_provider_tells_of_it() {
    check(
        "ask                                         | answer             | paid | refunds
         pay a p1 100                                | CREATED            | 0    |
         report p1 y-1 paid                          | PAID               | 0    |
         credit p1                                   | CREDITED 100       | 100  |
         dispute p1 l1 opened amount=40              | DISPUTED 40 of 100 | 60   | DISPUTE PENDING 40
         report p1 y-1 paid dispute:d-1:40:pending   | DISPUTED 40 of 100 | 60   | DISPUTE d-1 PENDING 40
         report p1 y-1 paid dispute:d-1:40:succeeded | REFUNDED 40 of 100 | 60   | DISPUTE d-1 SUCCEEDED 40
         dispute p1 l2 opened amount=30              | DISPUTED 70 of 100 | 30   | DISPUTE d-1 SUCCEEDED 40; DISPUTE PENDING 30
         dispute p1 l3 lost                          | REFUNDED 70 of 100 | 30   | DISPUTE d-1 SUCCEEDED 40; DISPUTE SUCCEEDED 30
         report p1 y-1 paid dispute:d-2:30:pending   | REFUNDED 70 of 100 | 30   | DISPUTE d-1 SUCCEEDED 40; DISPUTE d-2 SUCCEEDED 30
         dispute p1 l4 opened amount=20              | DISPUTED 90 of 100 | 10   | DISPUTE d-1 SUCCEEDED 40; DISPUTE d-2 SUCCEEDED 30; DISPUTE PENDING 20
         dispute p1 l5 won                           | REFUNDED 70 of 100 | 30   | DISPUTE d-1 SUCCEEDED 40; DISPUTE d-2 SUCCEEDED 30; DISPUTE REVERSED 20
         report p1 y-1 paid dispute:d-3:20:succeeded | REFUNDED 90 of 100 | 10   | DISPUTE d-1 SUCCEEDED 40; DISPUTE d-2 SUCCEEDED 30; DISPUTE d-3 SUCCEEDED 20",
    );
}

#[test]
fn a_dispute_after_a_refund_takes_what_is_left_and_no_more() {
    check(
        "ask                                         | answer              | paid | refunds
         pay a p1 100                                | CREATED             | 0    |
         report p1 y-1 paid                          | PAID                | 0    |
         credit p1                                   | CREDITED 100        | 100  |
         give-back p1 g1 amount=70                   | REFUNDED 70 of 100  | 30   | ADMIN PENDING 70
         answer p1 g1 succeeded name=r-1             | REFUNDED 70 of 100  | 30   | ADMIN r-1 SUCCEEDED 70
         report p1 y-1 paid dispute:d-1:100:pending  | DISPUTED 100 of 100 | 0    | ADMIN r-1 SUCCEEDED 70; DISPUTE d-1 PENDING 30 for 100
         report p1 y-1 paid dispute:d-1:100:canceled | REFUNDED 70 of 100  | 30   | ADMIN r-1 SUCCEEDED 70; DISPUTE d-1 REVERSED 30 for 100",
    );
}
