//! A payment, from its making to its credit.

use super::check;

#[test]
fn a_payment_is_credited_once_for_what_was_promised() {
    check(
        "ask                                      | answer                  | paid | told                 | moved
         pay a p1 100                             | CREATED                 | 0    |                      | grants > signup 3op = 3op
         open p1 name=y-1 url=https://pay.example | PENDING                 | 0    | payment PENDING 100  |
         report p1 y-1 paid                       | PAID                    | 0    | payment PAID 100     |
         credit p1                                | CREDITED 100            | 100  | payment CREDITED 100 | topups:yookassa > available 100 = 100
         credit p1                                | CREDITED 100 (replayed) | 100  |                      |
         report p1 y-1 paid                       | CREDITED 100 (replayed) | 100  |                      |
         report p1 y-1 canceled                   | CREDITED 100 (replayed) | 100  |                      |
         open p1 name=y-2                         | CREDITED 100 (replayed) | 100  |                      |
         close p1 refused                         | CREDITED 100 (replayed) | 100  |                      |",
    );
}

#[test]
fn a_payment_made_again_is_the_same_and_another_under_its_request_id_names_the_field() {
    check(
        "ask                                              | answer                           | version
         pay a p1 100 return=here receipt=me              | CREATED                          | 1
         pay a p1 100 return=here receipt=me              | CREATED (replayed)               | 1
         pay a p1 100 return=here receipt=me price=75XTR  | CREATED (replayed)               | 1
         open p1 name=y-1                                 | PENDING                          | 2
         pay a p1 100 return=here receipt=me              | PENDING (replayed)               | 2
         pay b p1 100 return=here receipt=me              | REQUEST_ID_REUSED: user_id       | 0
         pay a p1 100 return=here receipt=me through=bank | REQUEST_ID_REUSED: provider      | 2
         pay a p1 101 return=here receipt=me              | REQUEST_ID_REUSED: amount        | 2
         pay a p1 100 receipt=me                          | REQUEST_ID_REUSED: return_url    | 2
         pay a p1 100 return=here receipt=you             | REQUEST_ID_REUSED: receipt_email | 2",
    );
}

#[test]
fn a_payment_that_nobody_paid_ends_and_is_credited_all_the_same_when_it_is_paid_late() {
    check(
        "ask                    | answer                  | paid | told
         pay a p1 100           | CREATED                 | 0    |
         open p1 name=y-1       | PENDING                 | 0    | payment PENDING 100
         close p1 refused       | CANCELED                | 0    | payment CANCELED 100
         close p1 given-up      | CANCELED (replayed)     | 0    |
         credit p1              | PAYMENT_STATE: CANCELED | 0    |
         report p1 y-1 pending  | CANCELED (replayed)     | 0    |
         report p1 y-1 paid     | PAID                    | 0    | payment PAID 100
         credit p1              | CREDITED 100            | 100  | payment CREDITED 100
         pay a p2 50            | CREATED                 | 100  |
         close p2 given-up      | EXPIRED                 | 100  | payment EXPIRED 50
         report p2 y-2 canceled | EXPIRED                 | 100  |
         report p2 y-2 paid     | PAID                    | 100  | payment PAID 50
         credit p2              | CREDITED 50             | 150  | payment CREDITED 50",
    );
}

#[test]
fn asking_on_schedule_goes_on_until_nothing_is_planned() {
    check(
        "ask                   | answer             | next | told
         pay a p1 100 check=5m | CREATED            | 5m   |
         checked p1 0 next=1h  | CREATED            | 1h   |
         checked p1 0 next=2h  | CREATED (replayed) | 1h   |
         checked p1 1 next=24h | CREATED            | 24h  |
         checked p1 2          | EXPIRED            |      | payment EXPIRED 100
         checked p1 3 next=48h | EXPIRED (replayed) |      |
         pay a p2 100 check=5m | CREATED            | 5m   |
         open p2 name=y-2      | PENDING            | 5m   | payment PENDING 100
         report p2 y-2 paid    | PAID               |      | payment PAID 100
         checked p2 0 next=1h  | PAID (replayed)    |      |",
    );
}

#[test]
fn what_the_provider_says_first_is_not_undone_by_a_late_opening() {
    check(
        "ask                                      | answer              | told
         pay a p1 100                             | CREATED             |
         report p1 y-1 pending                    | PENDING             | payment PENDING 100
         open p1 name=y-1 url=https://pay.example | PENDING             |
         open p1 name=y-1 url=https://pay.example | PENDING (replayed)  |
         pay a p2 100                             | CREATED             |
         report p2 y-2 canceled                   | CANCELED            | payment CANCELED 100
         open p2 name=y-2 url=https://pay.example | CANCELED (replayed) |",
    );
}

#[test]
fn another_amount_or_currency_than_promised_is_parked_for_a_person() {
    check(
        "ask                              | answer                                       | paid | told
         pay a p1 100                     | CREATED                                      | 0    |
         report p1 y-1 paid 90            | PAID, AMOUNT_MISMATCH: 90 for 100            | 0    | payment PAID 100 AMOUNT_MISMATCH
         credit p1                        | PAID, AMOUNT_MISMATCH: 90 for 100 (replayed) | 0    |
         decide p1 d1 amount=90           | CREDITED 90                                  | 90   | payment CREDITED 90
         decide p1 d1 amount=90           | CREDITED 90 (replayed)                       | 90   |
         decide p1 d1 amount=91           | REQUEST_ID_REUSED: amount                    | 90   |
         decide p1 d1 amount=90 because=x | REQUEST_ID_REUSED: reason                    | 90   |
         decide p1 d2                     | PAYMENT_STATE: CREDITED                      | 90   |
         pay a p2 100                     | CREATED                                      | 90   |
         report p2 y-2 paid 100USD        | PAID, CURRENCY_MISMATCH: 100USD for 100      | 90   | payment PAID 100 CURRENCY_MISMATCH
         decide p2 d1 amount=90           | REQUEST_ID_REUSED: payment_id                | 90   |
         decide p2 d3                     | CREDITED 100                                 | 190  | payment CREDITED 100
         pay b p3 100                     | CREATED                                      | 0    |
         decide p3 d1 amount=90           | REQUEST_ID_REUSED: payment_id                | 0    |",
    );
}

#[test]
fn stars_are_credited_for_what_was_promised() {
    check(
        "ask                                    | answer                                            | paid | moved
         pay a p1 100 through=stars price=75XTR | CREATED                                           | 0    | grants > signup 3op = 3op
         report p1 charge-1 paid                | PAID                                              | 0    |
         credit p1                              | CREDITED 100                                      | 100  | topups:telegram_stars > available 100 = 100
         pay a p2 100 through=stars price=75XTR | CREATED                                           | 100  |
         report p2 charge-2 paid 74XTR          | PAID, AMOUNT_MISMATCH: 74XTR for 75XTR            | 100  |
         credit p2                              | PAID, AMOUNT_MISMATCH: 74XTR for 75XTR (replayed) | 100  |",
    );
}

#[test]
fn who_is_blocked_can_begin_no_payment_but_gets_what_was_paid() {
    check(
        "ask                | answer             | paid | standing
         pay a p1 100       | CREATED            | 0    | Good
         stand a s1 BLOCKED | adjusted           | 0    | Blocked
         pay a p2 100       | BLOCKED            | 0    | Blocked
         pay a p1 100       | CREATED (replayed) | 0    | Blocked
         report p1 y-1 paid | PAID               | 0    | Blocked
         credit p1          | CREDITED 100       | 100  | Blocked",
    );
}

#[test]
fn nobody_gets_more_than_the_cap() {
    check(
        "ask                      | answer                                    | paid          | told
         adjust a m1 999999999950 | adjusted                                  | 999999999950  |
         pay a p1 51              | INVALID_FIELD: amount                     | 999999999950  |
         pay a p1 50              | CREATED                                   | 999999999950  |
         adjust a m2 1            | adjusted                                  | 999999999951  |
         report p1 y-1 paid       | PAID                                      | 999999999951  | payment PAID 50
         credit p1                | PAID, BALANCE_LIMIT: 50 for 50            | 999999999951  | payment PAID 50 BALANCE_LIMIT
         credit p1                | PAID, BALANCE_LIMIT: 50 for 50 (replayed) | 999999999951  |
         decide p1 d1             | INVALID_FIELD: amount                     | 999999999951  |
         adjust a m3 -1           | adjusted                                  | 999999999950  |
         decide p1 d1             | CREDITED 50                               | 1000000000000 | payment CREDITED 50",
    );
}

#[test]
fn a_payment_is_found_only_with_its_user() {
    check(
        "ask                          | answer
         pay a p1 100                 | CREATED
         open nobody                  | PAYMENT_NOT_FOUND
         close nobody refused         | PAYMENT_NOT_FOUND
         checked nobody 0             | PAYMENT_NOT_FOUND
         credit nobody                | PAYMENT_NOT_FOUND
         report nobody y-9 paid       | PAYMENT_NOT_FOUND
         decide nobody d1             | PAYMENT_NOT_FOUND
         give-back nobody g1          | PAYMENT_NOT_FOUND
         dispute nobody l1 opened     | PAYMENT_NOT_FOUND
         answer nobody rule succeeded | PAYMENT_NOT_FOUND
         answer p1 rule succeeded     | PAYMENT_NOT_FOUND",
    );
}
