use super::*;
use crate::bot::{
    dialogue::{Action, Input, Photo, step},
    kind::Kind,
};

fn rub(micros: i64) -> Amount {
    Amount { micros, currency: "RUB".to_owned() }
}

fn read(text: &str) -> Result<i64, Wrong> {
    amount(text, &rub(10_000_000), &rub(15_000_000_000)).map(|amount| {
        assert_eq!(amount.currency, "RUB");
        amount.micros
    })
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, micros) in [
        ("250", 250_000_000),
        (" 250 ", 250_000_000),
        ("250,50", 250_500_000),
        ("250.5", 250_500_000),
        ("250.50 ₽", 250_500_000),
        ("250\u{a0}₽", 250_000_000),
        ("1\u{a0}000,01\u{202f}руб.", 1_000_010_000),
        ("1 000 рублей", 1_000_000_000),
        ("300р", 300_000_000),
        ("300 RUB", 300_000_000),
        ("₽ 300", 300_000_000),
        ("0010", 10_000_000),
        ("10", 10_000_000),
        ("15000", 15_000_000_000),
    ] {
        assert_eq!(read(text), Ok(micros), "{text}");
    }
}

#[test]
fn what_is_no_amount_within_the_limits_says_why() {
    for (text, wrong) in [
        ("", Wrong::NoAmount),
        ("кот в скафандре", Wrong::NoAmount),
        ("сто", Wrong::NoAmount),
        ("250 котов", Wrong::NoAmount),
        ("-250", Wrong::NoAmount),
        ("1.000,50", Wrong::NoAmount),
        ("250,505", Wrong::NoAmount),
        ("250,", Wrong::NoAmount),
        (",50", Wrong::NoAmount),
        ("1e3", Wrong::NoAmount),
        ("٢٥٠", Wrong::NoAmount),
        ("₽", Wrong::NoAmount),
        ("0", Wrong::TooLittle),
        ("9,99", Wrong::TooLittle),
        ("15000,01", Wrong::TooMuch),
        ("999999999999", Wrong::TooMuch),
        ("99999999999999999999999999", Wrong::TooMuch),
    ] {
        assert_eq!(read(text), Err(wrong), "{text}");
    }
}

#[test]
fn a_promo_code_is_one_plain_word() {
    assert_eq!(promo_code(" New-Year_26 "), Ok("New-Year_26".to_owned()));
    for text in ["", "ab", "два слова", "two words", "код", "a".repeat(33).as_str()] {
        assert_eq!(promo_code(text), Err(Wrong::NoPromoCode), "{text}");
    }
}

fn asked(then: State) -> State {
    then.asking(Question::Amount { least: rub(10_000_000), most: rub(15_000_000_000) })
}

fn text(words: &str) -> Input {
    Input::Text(words.to_owned())
}

fn waiting() -> (Draft, State) {
    let mut draft = Draft::new(7, Kind::Generate, Some(rub(10_000_000)));
    draft.short = true;
    draft.material.prompt = Some("кот".to_owned());
    (draft.clone(), State::Confirming(draft))
}

#[test]
fn words_are_the_answer_to_a_question_and_never_a_prompt() {
    let answer = Answer::Amount(rub(250_000_000));
    let taken = step(asked(State::Idle), text("250"), 100);
    assert_eq!(taken.action, Action::Take(answer.clone()));
    let state = State::Answered { update_id: 100, answer, then: Box::new(State::Idle) };
    assert_eq!(taken.state, state);
    let wrong = step(asked(State::Idle), text("кот"), 100);
    assert_eq!(wrong.action, Action::Refuse(Wrong::NoAmount));
    assert_eq!(wrong.state, asked(State::Idle), "it is asked on");
}

#[test]
fn after_the_answer_words_are_what_they_were_before() {
    let taken = step(asked(State::Idle), text("250"), 100);
    let next = step(taken.state, text("кот"), 101);
    assert!(matches!(next.action, Action::Run { .. }), "{next:?}");
}

#[test]
fn a_request_that_waits_for_money_waits_through_questions() {
    let (draft, state) = waiting();
    let confirm = || Input::Confirm { id: 7, price: rub(10_000_000) };
    let question = asked(asked(state));
    let answered = step(question.clone(), text("250"), 100).state;
    let shelved = answered.clone().ended();
    assert_eq!(shelved, State::Shelved(draft.clone()));
    for state in [question, answered, shelved.clone(), shelved.ended()] {
        assert_eq!(state.short(), Some(&draft));
        let run = step(state, confirm(), 101);
        assert_eq!(run.action, Action::Run { draft: draft.clone(), confirmed: true });
        assert_eq!(run.state, State::Idle);
    }
}

#[test]
fn a_request_that_lacked_money_makes_room_for_another() {
    let shelved = waiting().1.ended();
    let next = step(shelved, text("пёс"), 101);
    let Action::Run { draft, confirmed: false } = next.action else { panic!("{next:?}") };
    assert_eq!((draft.id, draft.material.prompt.as_deref()), (101, Some("пёс")));
    let (mut asked_for_a_yes, _) = waiting();
    asked_for_a_yes.short = false;
    assert_eq!(State::Confirming(asked_for_a_yes).ended(), State::Idle);
}

#[test]
fn what_is_no_answer_goes_on_with_what_was_before() {
    let photo = Photo { file_id: "f".to_owned(), message_id: 5 };
    let sent = Input::Photo { photo, caption: None, album: None };
    let offered = step(asked(State::Idle), sent, 100);
    assert_eq!(offered.action, Action::Offer(1));
    let sticker = step(asked(State::Idle), Input::Wrong(Wrong::Sticker), 100);
    assert_eq!(sticker.state, asked(State::Idle));
}

#[test]
fn a_question_survives_being_stored() {
    let question = asked(waiting().1);
    let answered = step(question.clone(), text("250"), 100).state;
    let shelved = waiting().1.ended();
    for state in [question, answered, shelved, State::Idle.asking(Question::PromoCode)] {
        let stored = serde_json::to_value(&state).unwrap();
        assert_eq!(serde_json::from_value::<State>(stored).unwrap(), state);
    }
}
