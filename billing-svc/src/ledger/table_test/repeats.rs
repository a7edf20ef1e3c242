//! One invoice or payment, paid more than once.

use super::check;

#[test]
fn a_second_payment_of_an_invoice_is_credited_like_the_first() {
    check(
        "ask                                    | answer                  | paid | told
         pay a p1 100 through=stars price=75XTR | CREATED                 | 0    |
         report p1 charge-1 paid                | PAID                    | 0    | payment PAID 100
         credit p1                              | CREDITED 100            | 100  | payment CREDITED 100
         report p1 charge-2 paid                | PAID                    | 100  | payment PAID 100
         report p1 charge-2 paid                | PAID (replayed)         | 100  |
         credit @charge-2                       | CREDITED 100            | 200  | payment CREDITED 100
         credit @charge-2                       | CREDITED 100 (replayed) | 200  |
         report p1 charge-1 paid                | CREDITED 100 (replayed) | 200  |
         report p1 charge-3 pending             | CREDITED 100 (replayed) | 200  |
         report p1 charge-3 canceled            | CREDITED 100 (replayed) | 200  |",
    );
}

#[test]
fn a_second_payment_of_an_invoice_is_given_back_where_the_house_says_so() {
    check(
        "ask                                                | answer                     | paid | refunds                        | next | told
         second-invoice-payment refund                      |                            | 0    |                                |      |
         pay a p1 100 through=stars price=75XTR             | CREATED                    | 0    |                                |      |
         report p1 charge-1 paid                            | PAID                       | 0    |                                |      | payment PAID 100
         credit p1                                          | CREDITED 100               | 100  |                                |      | payment CREDITED 100
         report p1 charge-2 paid                            | PAID                       | 100  | RULE PENDING 0 for 75XTR       | 0h   | payment PAID 100; refund RULE PENDING 0
         credit @charge-2                                   | PAID (replayed)            | 100  | RULE PENDING 0 for 75XTR       | 0h   |
         decide @charge-2 d1                                | PAYMENT_STATE: PAID        | 100  | RULE PENDING 0 for 75XTR       | 0h   |
         give-back @charge-2 g1                             | PAYMENT_STATE: PAID        | 100  | RULE PENDING 0 for 75XTR       | 0h   |
         answer @charge-2 rule unanswered next=1h           | PAID                       | 100  | RULE PENDING 0 for 75XTR       | 1h   |
         answer @charge-2 rule succeeded name=r-2           | REFUNDED 0 of 0            | 100  | RULE r-2 SUCCEEDED 0 for 75XTR |      | refund RULE SUCCEEDED 0; payment REFUNDED 100
         answer @charge-2 rule succeeded name=r-2           | REFUNDED 0 of 0 (replayed) | 100  | RULE r-2 SUCCEEDED 0 for 75XTR |      |
         credit @charge-2                                   | REFUNDED 0 of 0 (replayed) | 100  | RULE r-2 SUCCEEDED 0 for 75XTR |      |
         report p1 charge-2 paid refund:r-2:75XTR:succeeded | REFUNDED 0 of 0 (replayed) | 100  | RULE r-2 SUCCEEDED 0 for 75XTR |      |",
    );
}

#[test]
fn a_second_payment_that_could_not_be_given_back_is_credited() {
    check(
        "ask                                    | answer       | paid | refunds                   | told
         second-invoice-payment refund          |              | 0    |                           |
         pay a p1 100 through=stars price=75XTR | CREATED      | 0    |                           |
         report p1 charge-1 paid                | PAID         | 0    |                           | payment PAID 100
         credit p1                              | CREDITED 100 | 100  |                           | payment CREDITED 100
         report p1 charge-2 paid                | PAID         | 100  | RULE PENDING 0 for 75XTR  | payment PAID 100; refund RULE PENDING 0
         answer @charge-2 rule refused          | PAID         | 100  | RULE REVERSED 0 for 75XTR | refund RULE REVERSED 0
         credit @charge-2                       | CREDITED 100 | 200  | RULE REVERSED 0 for 75XTR | payment CREDITED 100",
    );
}

#[test]
fn a_second_payment_through_others_is_always_credited() {
    check(
        "ask                           | answer             | paid
         second-invoice-payment refund |                    | 0
         pay a p1 100                  | CREATED            | 0
         open p1 name=y-1              | PENDING            | 0
         report p1 y-2 pending         | PENDING (replayed) | 0
         report p1 y-2 paid            | PAID               | 0
         credit @y-2                   | CREDITED 100       | 100
         report p1 y-1 paid            | PAID               | 100
         credit p1                     | CREDITED 100       | 200",
    );
}

#[test]
fn two_that_see_the_same_payment_in_one_batch_credit_it_once() {
    check(
        "ask                                    | answer                  | paid | entries
         pay a p1 100 through=stars price=75XTR | CREATED                 | 0    | 1
         report p1 charge-1 paid                | PAID                    | 0    |
         + report p1 charge-1 paid              | PAID (replayed)         | 0    |
         + credit p1                            | CREDITED 100            | 100  |
         + credit p1                            | CREDITED 100 (replayed) | 100  | 2
         report p1 charge-2 paid                | PAID                    | 100  |
         + report p1 charge-2 paid              | PAID (replayed)         | 100  | 2",
    );
}

#[test]
fn another_users_payment_is_not_touched_by_a_name_that_is_known() {
    check(
        "ask                | answer                 | paid
         pay a p1 100       | CREATED                | 0
         open p1 name=y-1   | PENDING                | 0
         pay b p2 100       | CREATED                | 0
         report p2 y-1 paid | PAYMENT_NOT_FOUND      | 0
         credit p2          | PAYMENT_STATE: CREATED | 0
         credit p1          | PAYMENT_STATE: PENDING | 0
         report p1 y-1 paid | PAID                   | 0
         credit p1          | CREDITED 100           | 100",
    );
}

#[test]
fn one_provider_says_nothing_about_payments_of_another() {
    check(
        "ask                           | answer            | paid
         pay a p1 100                  | CREATED           | 0
         report p1 y-1 paid from=stars | PAYMENT_NOT_FOUND | 0
         report p1 y-1 paid from=bank  | PAYMENT_NOT_FOUND | 0
         report p1 y-1 paid            | PAID              | 0
         report p1 y-1 paid from=stars | PAYMENT_NOT_FOUND | 0
         credit p1                     | CREDITED 100      | 100",
    );
}
