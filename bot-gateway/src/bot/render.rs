//! Texts and keyboards of the messages that [`crate::delivery`] sends.

use std::time::Duration;

use proto::{gateway::v1::FailureReason, images::v1::JobState};
use teloxide::types::InlineKeyboardMarkup;

use super::{charge::locale_of, keyboard, press::Press, text::text};
use crate::store::Request;

/// A message, ready to send: plain text (no parse mode) and its buttons.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// Up to 1024 characters where it is a caption, 4096 otherwise.
    pub text: String,
    /// Buttons below it.
    pub keyboard: Option<InlineKeyboardMarkup>,
}

/// The caption of the result and its buttons. `request.kind` is empty when the operation is unknown here.
pub fn success(request: &Request, count: usize) -> Rendered {
    let locale = locale_of(request);
    let keyboard = match known_operation(request) {
        Some(operation_id) => keyboard::result(operation_id, count, locale),
        None => keyboard::to_menu(locale),
    };
    Rendered { text: text!(locale, "done-caption", count = count), keyboard: Some(keyboard) }
}

/// Why there is no picture, and that the money is back.
pub fn failure(request: &Request, reason: FailureReason) -> Rendered {
    let locale = locale_of(request);
    let text = match reason {
        FailureReason::ContentRejected => text!(locale, "fail-content"),
        FailureReason::BadInput => text!(locale, "fail-input"),
        FailureReason::TimedOut => text!(locale, "fail-timeout"),
        FailureReason::Canceled => text!(locale, "fail-canceled"),
        FailureReason::JobFailed | FailureReason::Unspecified => text!(locale, "fail-job"),
    };
    // What was refused as it is would be refused again.
    let retry = match reason {
        FailureReason::ContentRejected | FailureReason::BadInput => None,
        FailureReason::TimedOut
        | FailureReason::Canceled
        | FailureReason::JobFailed
        | FailureReason::Unspecified => known_operation(request),
    };
    Rendered { text, keyboard: Some(keyboard::failed(retry, locale)) }
}

/// The result was perhaps sent, perhaps not: the button with the callback data
/// [`crate::delivery::show_callback`] shows it again.
pub fn interrupted(request: &Request) -> Rendered {
    let locale = locale_of(request);
    let keyboard = request.operation_id.as_ref().map(|operation_id| {
        let show =
            keyboard::button(text!(locale, "show-button"), &Press::Show(operation_id.clone()));
        InlineKeyboardMarkup::new([[show]])
    });
    Rendered { text: text!(locale, "interrupted"), keyboard }
}

/// The text of «Генерирую…» after `elapsed`. `None`: the worker did not say how far the job is.
pub fn progress(request: &Request, elapsed: Duration, state: Option<JobState>) -> Rendered {
    let locale = locale_of(request);
    let seconds = elapsed.as_secs();
    let time = format!("{}:{:02}", seconds / 60, seconds % 60);
    let text = match state {
        Some(JobState::Queued) => text!(locale, "working-queued", time = time),
        Some(JobState::Delivering) => text!(locale, "working-delivering"),
        _ => text!(locale, "working-running", time = time),
    };
    let text = match request.taken.as_str() {
        "" => text,
        taken => format!("{text}\n{taken}"),
    };
    Rendered { text, keyboard: None }
}

fn known_operation(request: &Request) -> Option<&str> {
    request.operation_id.as_deref().filter(|_| !request.kind.is_empty())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::SystemTime};

    use super::*;
    use crate::store::RequestState;

    fn request(locale: &str, kind: &str) -> Request {
        Request {
            request_id: "tg-1-2".to_owned(),
            operation_id: Some("01936d2e-7c1a-7bbb-8ccc-0123456789ab".to_owned()),
            chat_id: 7,
            user_id: "tg:7".to_owned(),
            kind: kind.to_owned(),
            prompt: "кот".to_owned(),
            file_ids: vec![],
            options: BTreeMap::new(),
            locale: locale.to_owned(),
            message_id: Some(5),
            taken: String::new(),
            state: RequestState::HandedOver,
            result_file_ids: vec![],
            create_time: SystemTime::UNIX_EPOCH,
            update_time: SystemTime::UNIX_EPOCH,
        }
    }

    fn presses(rendered: &Rendered) -> Vec<String> {
        let buttons =
            rendered.keyboard.iter().flat_map(|keyboard| keyboard.inline_keyboard.iter().flatten());
        buttons.map(|button| button.text.clone()).collect()
    }

    #[test]
    fn a_result_can_be_gone_on_with() {
        let one = success(&request("ru", "generate"), 1);
        assert_eq!(one.text, "Готово! ✨");
        assert_eq!(presses(&one), ["⬆️ Улучшить", "✏️ Редактировать", "🔁 Ещё раз", "🏠 Меню"]);
        let two = success(&request("en", "generate"), 2);
        assert_eq!(presses(&two), ["⬆️ 1", "⬆️ 2", "✏️ 1", "✏️ 2", "🔁 Again", "🏠 Menu"]);
        assert_eq!(presses(&success(&request("ru", ""), 1)), ["🏠 Меню"], "of elsewhere");
    }

    #[test]
    fn each_failure_says_that_everything_is_back() {
        for reason in [
            FailureReason::Unspecified,
            FailureReason::ContentRejected,
            FailureReason::BadInput,
            FailureReason::JobFailed,
            FailureReason::TimedOut,
            FailureReason::Canceled,
        ] {
            let russian = failure(&request("ru", "edit"), reason).text;
            assert!(russian.to_lowercase().contains("средства возвращены"), "{russian}");
            assert!(
                failure(&request("en", "edit"), reason).text.contains("Everything was refunded")
            );
        }
        assert_eq!(
            presses(&failure(&request("ru", "edit"), FailureReason::ContentRejected)),
            ["🏠 Меню"]
        );
    }

    #[test]
    fn progress_says_that_it_lives() {
        let text = |state| progress(&request("ru", "edit"), Duration::from_secs(65), state).text;
        assert_eq!(text(Some(JobState::Running)), "⏳ Генерирую… Ещё работаю (1:05).");
        assert!(text(Some(JobState::Queued)).contains("в очереди"));
        assert!(text(None).starts_with("⏳ Генерирую…"));

        let mut paid = request("ru", "edit");
        paid.taken = "Списано: 12,00 ₽ с баланса".to_owned();
        let later = progress(&paid, Duration::from_secs(65), Some(JobState::Running)).text;
        assert!(
            later.ends_with("\nСписано: 12,00 ₽ с баланса"),
            "still says what was taken: {later}"
        );
    }
}
