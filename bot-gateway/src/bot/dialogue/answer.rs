//! What is asked beside a dialogue, and how words are read as its answer.

use serde::{Deserialize, Serialize};

use super::{Draft, State, Wrong};
use crate::bot::money::Amount;

/// What a promo code may have, as billing-svc takes it.
const PROMO_CODE_LENGTH: std::ops::RangeInclusive<usize> = 3..=32;
/// More digits than any amount has that can be paid.
const MAX_DIGITS: usize = 12;
/// What people write after an amount, in small letters.
const UNITS: [&str; 16] = [
    "рублей",
    "рубля",
    "рубль",
    "руб.",
    "руб",
    "р.",
    "р",
    "₽",
    "rubles",
    "rub",
    "dollars",
    "usd",
    "$",
    "euros",
    "eur",
    "€",
];

/// What was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// How much to pay in.
    Amount {
        /// No less.
        least: Amount,
        /// No more.
        most: Amount,
    },
    /// Which promo code.
    PromoCode,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// So much; whole kopecks, within the limits.
    Amount(Amount),
    /// This one; not known to exist.
    PromoCode(String),
}

impl Question {
    /// Reads words as the answer.
    pub(super) fn read(&self, text: &str) -> Result<Answer, Wrong> {
        match self {
            Self::Amount { least, most } => amount(text, least, most).map(Answer::Amount),
            Self::PromoCode => promo_code(text).map(Answer::PromoCode),
        }
    }
}

impl State {
    /// Asks beside this dialogue, which goes on afterwards.
    pub fn asking(self, question: Question) -> Self {
        Self::Asking { question, then: Box::new(self.before_question()) }
    }

    /// The dialogue without what was asked beside it.
    pub fn before_question(self) -> Self {
        match self {
            Self::Asking { then, .. } | Self::Answered { then, .. } => *then,
            state @ (Self::Idle
            | Self::Choosing { .. }
            | Self::Collecting(_)
            | Self::Confirming(_)
            | Self::Shelved(_)
            | Self::Paying { .. }) => state,
        }
    }

    /// Outside of any dialogue. A request that lacks money can be run until another one begins.
    pub fn ended(self) -> Self {
        match self.before_question() {
            Self::Confirming(draft) | Self::Shelved(draft) if draft.short => Self::Shelved(draft),
            Self::Idle
            | Self::Choosing { .. }
            | Self::Collecting(_)
            | Self::Confirming(_)
            | Self::Shelved(_)
            | Self::Paying { .. }
            | Self::Asking { .. }
            | Self::Answered { .. } => Self::Idle,
        }
    }

    /// The complete request that lacked money.
    pub fn short(&self) -> Option<&Draft> {
        match self {
            Self::Confirming(draft) | Self::Shelved(draft) => {
                Some(draft).filter(|draft| draft.short)
            }
            Self::Asking { then, .. } | Self::Answered { then, .. } => then.short(),
            Self::Idle | Self::Choosing { .. } | Self::Collecting(_) | Self::Paying { .. } => None,
        }
    }
}

/// A promo code as users type it; `Err`: it can't be one.
pub fn promo_code(text: &str) -> Result<String, Wrong> {
    let code = text.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if PROMO_CODE_LENGTH.contains(&code.len()) && code.bytes().all(plain) {
        Ok(code.to_owned())
    } else {
        Err(Wrong::NoPromoCode)
    }
}

/// "250", "1 000,50", "250.50 ₽": with kopecks or without, spaces of any width, with the unit or without.
fn amount(text: &str, least: &Amount, most: &Amount) -> Result<Amount, Wrong> {
    let written: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let written = written.to_lowercase();
    let number = UNITS
        .iter()
        .find_map(|unit| written.strip_suffix(unit).or_else(|| written.strip_prefix(unit)))
        .unwrap_or(&written);
    let (whole, rest) = number.split_once([',', '.']).unwrap_or((number, "00"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 2 {
        return Err(Wrong::NoAmount);
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > MAX_DIGITS {
        return Err(Wrong::TooMuch);
    }
    let decimal = format!("{whole:0>1}.{rest}");
    let amount = Amount::of_decimal(&decimal, &least.currency).ok_or(Wrong::NoAmount)?;
    if amount.micros < least.micros {
        Err(Wrong::TooLittle)
    } else if amount.micros > most.micros {
        Err(Wrong::TooMuch)
    } else {
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
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
        for text in ["", "ab", "два слова", "two words", "код", "a".repeat(33).as_str()]
        {
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
}
