//! The same request_id again.

use super::check;

#[test]
fn the_same_charge_again_answers_the_first_in_its_present_state() {
    check(
        "ask                              | answer                          | free | version
         charge a r1 edit label=x hold=1h | CHARGED: 1 of signup            | 2/3  | 1
         charge a r1 edit label=x hold=1h | CHARGED: 1 of signup (replayed) | 2/3  | 1
         complete r1                      | COMPLETED                       | 2/3  | 2
         charge a r1 edit label=x hold=1h | COMPLETED (replayed)            | 2/3  | 2",
    );
}

#[test]
fn a_replay_long_after_the_price_list_dropped_the_kind_still_answers() {
    check(
        "ask                | answer                      | paid
         adjust a m1 20     | adjusted                    | 20
         charge a r1 poster | CHARGED: 20 paid            | 0
         price poster none  |                             | 0
         wait 720h          |                             | 0
         charge a r1 poster | CHARGED: 20 paid (replayed) | 0",
    );
}

#[test]
fn other_content_under_the_same_request_id_names_the_first_field_that_differs() {
    check(
        "ask                                          | answer                          | free
         charge b r0 edit                             | CHARGED: 1 of signup            | 2/3
         charge a r1 edit x2 max=30 hold=1h label=x   | CHARGED: 2 of signup            | 1/3
         charge b r1 edit x2 max=30 hold=1h label=x   | REQUEST_ID_REUSED: user_id      | 2/3
         charge a r1 poster x2 max=30 hold=1h label=x | REQUEST_ID_REUSED: kind         | 1/3
         charge a r1 unheard_of x2 max=30             | REQUEST_ID_REUSED: kind         | 1/3
         charge a r1 edit x3 max=30 hold=1h label=x   | REQUEST_ID_REUSED: quantity     | 1/3
         charge a r1 edit x2 max=31 hold=1h label=x   | REQUEST_ID_REUSED: max_price    | 1/3
         charge a r1 edit x2 hold=1h label=x          | REQUEST_ID_REUSED: max_price    | 1/3
         charge a r1 edit x2 max=30 hold=2h label=x   | REQUEST_ID_REUSED: hold         | 1/3
         charge a r1 edit x2 max=30 label=x           | REQUEST_ID_REUSED: hold         | 1/3
         charge a r1 edit x2 max=30 hold=1h label=y   | REQUEST_ID_REUSED: labels       | 1/3
         charge a r1 edit x2 max=30 hold=1h           | REQUEST_ID_REUSED: labels       | 1/3
         charge b r1 poster x3                        | REQUEST_ID_REUSED: user_id      | 2/3
         charge a r1 poster x3                        | REQUEST_ID_REUSED: kind         | 1/3
         charge a r1 edit x2 max=30 hold=1h label=x   | CHARGED: 2 of signup (replayed) | 1/3",
    );
}

#[test]
fn a_stranger_who_reuses_a_request_id_is_not_created() {
    check(
        "ask              | answer                     | free | version
         charge a r1 edit | CHARGED: 1 of signup       | 2/3  | 1
         charge b r1 edit | REQUEST_ID_REUSED: user_id | 3/3  | 0",
    );
}

#[test]
fn a_declined_request_id_can_be_reused_as_little() {
    check(
        "ask                   | answer                                        | paid
         charge a r1 poster    | INSUFFICIENT_FUNDS of r1: 20 of 0, 20 missing | 0
         adjust a m1 100       | adjusted                                      | 100
         charge a r1 poster x2 | REQUEST_ID_REUSED: quantity                   | 100",
    );
}

#[test]
fn the_hold_that_is_the_default_anyway_is_other_content() {
    check(
        "ask                       | answer                  | free
         charge a r1 edit          | CHARGED: 1 of signup    | 2/3
         charge a r1 edit hold=30m | REQUEST_ID_REUSED: hold | 2/3",
    );
}

#[test]
fn charges_and_administrators_have_request_ids_of_their_own() {
    check(
        "ask              | answer               | paid | free
         adjust a x1 5    | adjusted             | 5    | 3/3
         charge a x1 edit | CHARGED: 1 of signup | 5    | 2/3",
    );
}
