//! Refunds of payments: asked for here, or made at the provider's.

use super::check;

#[test]
fn a_refund_is_taken_at_once_and_ends_with_the_providers_word() {
    check(
        "ask                                        | answer                        | paid | refunds                                  | next | told
         pay a p1 100                               | CREATED                       | 0    |                                          |      |
         report p1 y-1 paid                         | PAID                          | 0    |                                          |      | payment PAID 100
         credit p1                                  | CREDITED 100                  | 100  |                                          |      | payment CREDITED 100
         give-back p1 g1 amount=40                  | REFUNDED 40 of 100            | 60   | ADMIN PENDING 40                         | 0h   | refund ADMIN PENDING 40; payment REFUNDED 100
         give-back p1 g1 amount=40                  | REFUNDED 40 of 100 (replayed) | 60   | ADMIN PENDING 40                         | 0h   |
         answer p1 g1 unanswered next=1h            | REFUNDED 40 of 100            | 60   | ADMIN PENDING 40                         | 1h   |
         answer p1 g1 accepted name=r-1 next=2h     | REFUNDED 40 of 100            | 60   | ADMIN r-1 PENDING 40                     | 2h   |
         answer p1 g1 succeeded name=r-1            | REFUNDED 40 of 100            | 60   | ADMIN r-1 SUCCEEDED 40                   |      | refund ADMIN SUCCEEDED 40
         answer p1 g1 succeeded name=r-1            | REFUNDED 40 of 100 (replayed) | 60   | ADMIN r-1 SUCCEEDED 40                   |      |
         report p1 y-1 paid refund:r-1:40:succeeded | REFUNDED 40 of 100 (replayed) | 60   | ADMIN r-1 SUCCEEDED 40                   |      |
         give-back p1 g2 amount=60.01               | INVALID_FIELD: amount         | 60   | ADMIN r-1 SUCCEEDED 40                   |      |
         give-back p1 g2                            | REFUNDED 100 of 100           | 0    | ADMIN r-1 SUCCEEDED 40; ADMIN PENDING 60 | 0h   | refund ADMIN PENDING 60
         give-back p1 g3                            | PAYMENT_STATE: REFUNDED       | 0    | ADMIN r-1 SUCCEEDED 40; ADMIN PENDING 60 | 0h   |",
    );
}

#[test]
fn a_refund_that_the_provider_refuses_comes_back() {
    check(
        "ask                  | answer                  | paid | refunds                               | told
         pay a p1 100         | CREATED                 | 0    |                                       |
         report p1 y-1 paid   | PAID                    | 0    |                                       | payment PAID 100
         credit p1            | CREDITED 100            | 100  |                                       | payment CREDITED 100
         give-back p1 g1      | REFUNDED 100 of 100     | 0    | ADMIN PENDING 100                     | refund ADMIN PENDING 100; payment REFUNDED 100
         answer p1 g1 refused | CREDITED 100            | 100  | ADMIN REVERSED 100                    | refund ADMIN REVERSED 100; payment CREDITED 100
         answer p1 g1 refused | CREDITED 100 (replayed) | 100  | ADMIN REVERSED 100                    |
         give-back p1 g1      | CREDITED 100 (replayed) | 100  | ADMIN REVERSED 100                    |
         give-back p1 g2      | REFUNDED 100 of 100     | 0    | ADMIN REVERSED 100; ADMIN PENDING 100 | refund ADMIN PENDING 100; payment REFUNDED 100",
    );
}

#[test]
fn another_refund_under_the_same_request_id_names_the_field() {
    check(
        "ask                                 | answer                        | paid
         pay a p1 100                        | CREATED                       | 0
         report p1 y-1 paid                  | PAID                          | 0
         credit p1                           | CREDITED 100                  | 100
         pay b p2 100                        | CREATED                       | 0
         report p2 y-2 paid                  | PAID                          | 0
         credit p2                           | CREDITED 100                  | 100
         pay a p3 100                        | CREATED                       | 100
         give-back p1 g1 amount=40           | REFUNDED 40 of 100            | 60
         give-back p1 g1 amount=41           | REQUEST_ID_REUSED: amount     | 60
         give-back p1 g1                     | REQUEST_ID_REUSED: amount     | 60
         give-back p1 g1 amount=40 because=x | REQUEST_ID_REUSED: reason     | 60
         give-back p2 g1 amount=40           | REQUEST_ID_REUSED: payment_id | 100
         give-back p3 g1 amount=40           | REQUEST_ID_REUSED: payment_id | 60
         dispute p1 g1 opened                | REQUEST_ID_REUSED: request_id | 60
         adjust a g1 40                      | REQUEST_ID_REUSED: request_id | 60
         adjust b g1 40                      | REQUEST_ID_REUSED: user_id    | 100",
    );
}

#[test]
fn a_refund_made_at_the_providers_reaches_the_balance() {
    check(
        "ask                                                                | answer                        | paid | refunds                                              | told
         pay a p1 100                                                       | CREATED                       | 0    |                                                      |
         report p1 y-1 paid refund:r-0:100:canceled                         | PAID                          | 0    |                                                      | payment PAID 100
         credit p1                                                          | CREDITED 100                  | 100  |                                                      | payment CREDITED 100
         report p1 y-1 paid refund:r-1:30:pending                           | REFUNDED 30 of 100            | 70   | PROVIDER r-1 PENDING 30                              | refund PROVIDER PENDING 30; payment REFUNDED 100
         report p1 y-1 paid refund:r-1:30:succeeded                         | REFUNDED 30 of 100            | 70   | PROVIDER r-1 SUCCEEDED 30                            | refund PROVIDER SUCCEEDED 30
         report p1 y-1 paid refund:r-1:30:pending                           | REFUNDED 30 of 100 (replayed) | 70   | PROVIDER r-1 SUCCEEDED 30                            |
         report p1 y-1 paid refund:r-1:30:succeeded refund:r-2:70:succeeded | REFUNDED 100 of 100           | 0    | PROVIDER r-1 SUCCEEDED 30; PROVIDER r-2 SUCCEEDED 70 | refund PROVIDER SUCCEEDED 70
         report p1 y-1 paid refund:r-1:30:succeeded refund:r-2:70:canceled  | REFUNDED 30 of 100            | 70   | PROVIDER r-1 SUCCEEDED 30; PROVIDER r-2 REVERSED 70  | refund PROVIDER REVERSED 70
         report p1 y-1 paid refund:r-2:70:succeeded                         | REFUNDED 100 of 100           | 0    | PROVIDER r-1 SUCCEEDED 30; PROVIDER r-2 SUCCEEDED 70 | refund PROVIDER SUCCEEDED 70",
    );
}

#[test]
fn a_refund_that_happened_after_all_takes_what_is_left_and_no_more() {
    check(
        "ask                                         | answer              | paid | refunds
         pay a p1 100                                | CREATED             | 0    |
         report p1 y-1 paid                          | PAID                | 0    |
         credit p1                                   | CREDITED 100        | 100  |
         report p1 y-1 paid refund:r-1:100:succeeded | REFUNDED 100 of 100 | 0    | PROVIDER r-1 SUCCEEDED 100
         report p1 y-1 paid refund:r-1:100:canceled  | CREDITED 100        | 100  | PROVIDER r-1 REVERSED 100
         report p1 y-1 paid refund:r-2:60:succeeded  | REFUNDED 60 of 100  | 40   | PROVIDER r-1 REVERSED 100; PROVIDER r-2 SUCCEEDED 60
         report p1 y-1 paid refund:r-1:100:succeeded | REFUNDED 100 of 100 | 0    | PROVIDER r-1 SUCCEEDED 40 for 100; PROVIDER r-2 SUCCEEDED 60",
    );
}

#[test]
fn a_refund_that_did_not_happen_leaves_its_room_to_the_others() {
    check(
        "ask                                         | answer              | paid | refunds
         pay a p1 100                                | CREATED             | 0    |
         report p1 y-1 paid                          | PAID                | 0    |
         credit p1                                   | CREDITED 100        | 100  |
         give-back p1 g1 amount=30                   | REFUNDED 30 of 100  | 70   | ADMIN PENDING 30
         report p1 y-1 paid refund:r-1:60:succeeded  | REFUNDED 90 of 100  | 10   | ADMIN PENDING 30; PROVIDER r-1 SUCCEEDED 60
         report p1 y-1 paid refund:r-2:40:succeeded  | REFUNDED 100 of 100 | 0    | ADMIN PENDING 30; PROVIDER r-1 SUCCEEDED 60; PROVIDER r-2 SUCCEEDED 10 for 40
         answer p1 g1 refused                        | REFUNDED 100 of 100 | 0    | ADMIN REVERSED 30; PROVIDER r-1 SUCCEEDED 60; PROVIDER r-2 SUCCEEDED 40",
    );
}

#[test]
fn the_report_of_a_refund_that_we_asked_for_is_not_taken_twice() {
    check(
        "ask                                                              | answer                        | paid | refunds
         pay a p1 100                                                     | CREATED                       | 0    |
         report p1 y-1 paid                                               | PAID                          | 0    |
         credit p1                                                        | CREDITED 100                  | 100  |
         give-back p1 g1 amount=40                                        | REFUNDED 40 of 100            | 60   | ADMIN PENDING 40
         report p1 y-1 paid refund:r-1:40:succeeded                       | REFUNDED 40 of 100            | 60   | ADMIN r-1 SUCCEEDED 40
         answer p1 g1 succeeded name=r-1                                  | REFUNDED 40 of 100 (replayed) | 60   | ADMIN r-1 SUCCEEDED 40
         give-back p1 g2 amount=10                                        | REFUNDED 50 of 100            | 50   | ADMIN r-1 SUCCEEDED 40; ADMIN PENDING 10
         give-back p1 g3 amount=10                                        | INVALID_FIELD: amount         | 50   | ADMIN r-1 SUCCEEDED 40; ADMIN PENDING 10
         report p1 y-1 paid refund:r-1:40:succeeded refund:r-2:10:pending | REFUNDED 50 of 100            | 50   | ADMIN r-1 SUCCEEDED 40; ADMIN r-2 PENDING 10
         answer p1 g2 unanswered next=1h                                  | REFUNDED 50 of 100            | 50   | ADMIN r-1 SUCCEEDED 40; ADMIN r-2 PENDING 10
         answer p1 g2 refused                                             | REFUNDED 40 of 100            | 60   | ADMIN r-1 SUCCEEDED 40; ADMIN r-2 REVERSED 10
         report p1 y-1 paid refund:r-2:10:succeeded                       | REFUNDED 50 of 100            | 50   | ADMIN r-1 SUCCEEDED 40; ADMIN r-2 SUCCEEDED 10",
    );
}

#[test]
fn a_refund_made_in_the_cabinet_meanwhile_is_taken_besides_ours() {
    check(
        "ask                                                                     | answer                        | paid | refunds
         pay a p1 100                                                            | CREATED                       | 0    |
         report p1 y-1 paid                                                      | PAID                          | 0    |
         credit p1                                                               | CREDITED 100                  | 100  |
         give-back p1 g1 amount=40                                               | REFUNDED 40 of 100            | 60   | ADMIN PENDING 40
         report p1 y-1 paid refund:cabinet:40:pending                            | REFUNDED 40 of 100            | 60   | ADMIN cabinet PENDING 40
         answer p1 g1 succeeded name=ours                                        | REFUNDED 40 of 100            | 60   | ADMIN ours SUCCEEDED 40
         report p1 y-1 paid refund:cabinet:40:succeeded refund:ours:40:succeeded | REFUNDED 80 of 100            | 20   | ADMIN ours SUCCEEDED 40; PROVIDER cabinet SUCCEEDED 40
         answer p1 cabinet refused                                               | REFUNDED 80 of 100 (replayed) | 20   | ADMIN ours SUCCEEDED 40; PROVIDER cabinet SUCCEEDED 40",
    );
}

#[test]
fn a_refund_that_was_met_as_two_is_taken_once() {
    check(
        "ask                                           | answer                | paid | refunds
         pay a p1 100                                  | CREATED               | 0    |
         report p1 y-1 paid                            | PAID                  | 0    |
         credit p1                                     | CREDITED 100          | 100  |
         give-back p1 g1                               | REFUNDED 100 of 100   | 0    | ADMIN PENDING 100
         report p1 y-1 paid refund:r-1:99.99:succeeded | REFUNDED 100 of 100   | 0    | ADMIN PENDING 100; PROVIDER r-1 SUCCEEDED 0 for 99.99
         answer p1 g1 succeeded name=r-1               | REFUNDED 99.99 of 100 | 0.01 | ADMIN REVERSED 100; PROVIDER r-1 SUCCEEDED 99.99
         pay b p2 100                                  | CREATED               | 0    |
         report p2 y-2 paid                            | PAID                  | 0    |
         credit p2                                     | CREDITED 100          | 100  |
         give-back p2 g2 amount=40                     | REFUNDED 40 of 100    | 60   | ADMIN PENDING 40
         report p2 y-2 paid refund:r-1:39:succeeded    | REFUNDED 79 of 100    | 21   | ADMIN PENDING 40; PROVIDER r-1 SUCCEEDED 39
         answer p2 g2 accepted name=r-1 next=1h        | REFUNDED 39 of 100    | 61   | ADMIN REVERSED 40; PROVIDER r-1 SUCCEEDED 39",
    );
}

#[test]
fn parts_of_another_currency_add_up_to_what_was_credited() {
    check(
        "ask                                           | answer                    | paid      | refunds
         pay a p1 100 through=stars price=75XTR        | CREATED                   | 0         |
         report p1 c-1 paid                            | PAID                      | 0         |
         credit p1                                     | CREDITED 100              | 100       |
         report p1 c-1 paid refund:r-1:25XTR:succeeded | REFUNDED 33.333333 of 100 | 66.666667 | PROVIDER r-1 SUCCEEDED 33.333333 for 25XTR
         report p1 c-1 paid refund:r-2:25XTR:succeeded | REFUNDED 66.666666 of 100 | 33.333334 | PROVIDER r-1 SUCCEEDED 33.333333 for 25XTR; PROVIDER r-2 SUCCEEDED 33.333333 for 25XTR
         report p1 c-1 paid refund:r-3:25XTR:succeeded | REFUNDED 100 of 100       | 0         | PROVIDER r-1 SUCCEEDED 33.333333 for 25XTR; PROVIDER r-2 SUCCEEDED 33.333333 for 25XTR; PROVIDER r-3 SUCCEEDED 33.333334 for 25XTR
         report p1 c-1 paid refund:r-4:25XTR:succeeded | REFUNDED 100 of 100       | 0         | PROVIDER r-1 SUCCEEDED 33.333333 for 25XTR; PROVIDER r-2 SUCCEEDED 33.333333 for 25XTR; PROVIDER r-3 SUCCEEDED 33.333334 for 25XTR; PROVIDER r-4 SUCCEEDED 0 for 25XTR
         pay b p2 100 through=bank price=30USD         | CREATED                   | 0         |
         report p2 u-2 paid                            | PAID                      | 0         |
         credit p2                                     | CREDITED 100              | 100       |
         give-back p2 g1 amount=0.01                   | INVALID_FIELD: amount     | 100       |
         give-back p2 g2 amount=33.33                  | REFUNDED 33.33 of 100     | 66.67     | ADMIN PENDING 33.33 for 9.99USD
         give-back p2 g3                               | REFUNDED 100 of 100       | 0         | ADMIN PENDING 33.33 for 9.99USD; ADMIN PENDING 66.67 for 20.01USD
         pay c p3 100 through=bank price=10.005USD     | CREATED                   | 0         |
         report p3 u-3 paid                            | PAID                      | 0         |
         credit p3                                     | CREDITED 100              | 100       |
         give-back p3 g4                               | REFUNDED 100 of 100       | 0         | ADMIN PENDING 100 for 10.005USD",
    );
}

#[test]
fn what_can_be_given_back_whole_only_is_not_given_back_in_part() {
    check(
        "ask                                    | answer                | paid
         pay a p1 100 through=stars price=75XTR | CREATED               | 0
         report p1 c-1 paid                     | PAID                  | 0
         credit p1                              | CREDITED 100          | 100
         give-back p1 g1 amount=50 whole=yes    | INVALID_FIELD: amount | 100
         give-back p1 g1 whole=yes              | REFUNDED 100 of 100   | 0
         pay a p2 100 through=stars price=75XTR | CREATED               | 0
         report p2 c-2 paid                     | PAID                  | 0
         credit p2                              | CREDITED 100          | 100
         give-back p2 g2 amount=100 whole=yes   | REFUNDED 100 of 100   | 0",
    );
}

#[test]
fn a_parked_payment_is_given_back_without_touching_the_balance() {
    check(
        "ask                                        | answer                             | paid | refunds                                                 | told
         pay a p1 100                               | CREATED                            | 0    |                                                         |
         report p1 y-1 paid 150                     | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    |                                                         | payment PAID 100 AMOUNT_MISMATCH
         give-back p1 g1 amount=10                  | INVALID_FIELD: amount              | 0    |                                                         |
         give-back p1 g1                            | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    | ADMIN PENDING 0 for 150                                 | refund ADMIN PENDING 0
         decide p1 d1                               | PAYMENT_STATE: PAID                | 0    | ADMIN PENDING 0 for 150                                 |
         give-back p1 g2                            | PAYMENT_STATE: PAID                | 0    | ADMIN PENDING 0 for 150                                 |
         answer p1 g1 refused                       | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    | ADMIN REVERSED 0 for 150                                | refund ADMIN REVERSED 0
         give-back p1 g3                            | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    | ADMIN REVERSED 0 for 150; ADMIN PENDING 0 for 150       | refund ADMIN PENDING 0
         answer p1 g3 succeeded name=r-1            | REFUNDED 0 of 0                    | 0    | ADMIN REVERSED 0 for 150; ADMIN r-1 SUCCEEDED 0 for 150 | refund ADMIN SUCCEEDED 0; payment REFUNDED 100
         decide p1 d1                               | PAYMENT_STATE: REFUNDED            | 0    | ADMIN REVERSED 0 for 150; ADMIN r-1 SUCCEEDED 0 for 150 |
         report p1 y-1 paid refund:r-1:150:canceled | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    | ADMIN REVERSED 0 for 150; ADMIN r-1 REVERSED 0 for 150  | refund ADMIN REVERSED 0; payment PAID 100 AMOUNT_MISMATCH
         decide p1 d1                               | CREDITED 100                       | 100  | ADMIN REVERSED 0 for 150; ADMIN r-1 REVERSED 0 for 150  | payment CREDITED 100",
    );
}

#[test]
fn what_went_back_of_a_parked_payment_is_not_taken_from_what_is_credited_then() {
    check(
        "ask                                                                | answer                             | paid | refunds
         pay a p1 100                                                       | CREATED                            | 0    |
         report p1 y-1 paid 150                                             | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    |
         report p1 y-1 paid refund:r-1:50:succeeded                         | PAID, AMOUNT_MISMATCH: 150 for 100 | 0    | PROVIDER r-1 SUCCEEDED 0 for 50
         decide p1 d1                                                       | CREDITED 100                       | 100  | PROVIDER r-1 SUCCEEDED 0 for 50
         report p1 y-1 paid refund:r-1:50:succeeded refund:r-2:25:succeeded | REFUNDED 25 of 100                 | 75   | PROVIDER r-1 SUCCEEDED 0 for 50; PROVIDER r-2 SUCCEEDED 25
         report p1 y-1 paid refund:r-3:75:succeeded                         | REFUNDED 100 of 100                | 0    | PROVIDER r-1 SUCCEEDED 0 for 50; PROVIDER r-2 SUCCEEDED 25; PROVIDER r-3 SUCCEEDED 75",
    );
}

#[test]
fn what_is_not_credited_yet_is_credited_before_its_refunds_are_taken() {
    check(
        "ask                                         | answer                  | paid | told
         pay a p1 100                                | CREATED                 | 0    |
         report p1 y-1 paid refund:r-1:100:succeeded | PAID                    | 0    | payment PAID 100
         credit p1                                   | CREDITED 100            | 100  | payment CREDITED 100
         report p1 y-1 paid refund:r-1:100:succeeded | REFUNDED 100 of 100     | 0    | refund PROVIDER SUCCEEDED 100; payment REFUNDED 100
         give-back p1 g1                             | PAYMENT_STATE: REFUNDED | 0    |
         pay a p2 100                                | CREATED                 | 0    |
         give-back p2 g1                             | PAYMENT_STATE: CREATED  | 0    |
         report p2 y-2 paid                          | PAID                    | 0    | payment PAID 100
         give-back p2 g1                             | PAYMENT_STATE: PAID     | 0    |",
    );
}
