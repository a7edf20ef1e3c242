use proto::{
    billing::v1::{ParkReason, PaymentRefund},
    money::from_micros,
};

use super::*;

const RUBLE: i64 = 1_000_000;

fn rub(rubles: i64) -> Amount {
    Amount { micros: rubles * RUBLE, currency: "RUB".to_owned() }
}

fn said(news: &News, payment: Option<&Payment>) -> Option<String> {
    words(news, payment, SystemTime::UNIX_EPOCH, Locale::Ru).unwrap()
}

#[test]
fn an_arrival_says_how_much_and_what_is_there_now() {
    let user = UserInfo { balance: Some(rub(310).to_money()), ..UserInfo::default() };
    let of = |has_retry, locale| credited_words(&rub(300), &user, has_retry, locale).unwrap();
    assert_eq!(of(false, Locale::Ru), "✅ Зачислено 300,00\u{a0}₽.\nБаланс: 310,00\u{a0}₽");
    assert!(
        of(true, Locale::En).starts_with("✅ 300.00\u{a0}₽ credited.\nBalance: 310.00\u{a0}₽\n")
    );
    assert_ne!(of(true, Locale::Ru), of(false, Locale::Ru));
}

#[test]
fn a_gift_and_its_end_are_counted_in_the_right_plural() {
    for (count, gift, expiring) in [
        (1, "1 бесплатная операция", "сгорит 1 бесплатная операция"),
        (2, "2 бесплатные операции", "сгорят 2 бесплатные операции"),
        (5, "5 бесплатных операций", "сгорят 5 бесплатных операций"),
        (21, "21 бесплатная операция", "сгорит 21 бесплатная операция"),
    ] {
        let given = News::Given { gift: Gift::Operations(count), from: GiftFrom::Invited };
        assert!(said(&given, None).unwrap().contains(gift), "{count}");
        let ends = News::Expiring { gift: Gift::Operations(count), time: 1_700_000_000 };
        let words = said(&ends, None).unwrap();
        assert!(words.contains(expiring) && words.contains("15.11.2023 01:13 МСК"), "{words}");
    }
}

#[test]
fn what_is_over_already_is_not_told() {
    let expired = News::Expiring { gift: Gift::Operations(1), time: 0 };
    assert_eq!(said(&expired, None), None);
    let parked = News::Parked { payment_id: "p".to_owned() };
    let mut payment = Payment { received: Some(rub(299).to_money()), ..Payment::default() };
    payment.set_state(PaymentState::Credited);
    assert_eq!(said(&parked, Some(&payment)), None, "somebody has looked at it");
    payment.set_state(PaymentState::Paid);
    payment.set_park_reason(ParkReason::AmountMismatch);
    assert!(said(&parked, Some(&payment)).unwrap().contains("299,00\u{a0}₽"));
}

#[test]
fn a_refund_says_what_went_back_and_where_it_was_taken_from() {
    let mut news = News::Refunded {
        payment_id: "p".to_owned(),
        refund_id: "r".to_owned(),
        amount: rub(100),
        is_repeat: false,
    };
    assert!(said(&news, None).unwrap().contains("100,00\u{a0}₽ списано с баланса"));
    let price = Some(from_micros(222 * RUBLE, "XTR"));
    let refund = PaymentRefund { refund_id: "r".to_owned(), price, ..PaymentRefund::default() };
    let payment = Payment { refunds: vec![refund], ..Payment::default() };
    if let News::Refunded { amount, .. } = &mut news {
        *amount = rub(0);
    }
    let uncredited = said(&news, Some(&payment)).unwrap();
    assert!(uncredited.contains("222 звезды") && uncredited.contains("не зачислялась"));
    if let News::Refunded { is_repeat, .. } = &mut news {
        *is_repeat = true;
    }
    assert!(said(&news, Some(&payment)).unwrap().contains("второй платёж"));
}

#[test]
fn a_debt_is_named_by_what_is_owed_and_never_below_zero() {
    let of = |step, owed| said(&News::Standing { step, owed }, None).unwrap();
    assert!(of(StandingStep::IntoDebt, rub(40)).contains("долг: 40,00\u{a0}₽"));
    assert!(of(StandingStep::Unblocked, rub(40)).contains("40,00\u{a0}₽"));
    assert!(!of(StandingStep::Unblocked, rub(0)).contains("долг"));
}
