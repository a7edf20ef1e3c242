//! What the dialogue says: what is needed next, and why something can't be used.

use teloxide::types::InlineKeyboardMarkup;

use crate::bot::{
    dialogue::{Need, Question, State, Wrong},
    keyboard,
    kind::{Kind, PROMPT_LIMIT},
    session::Session,
    text::text,
    topup,
};

/// What is needed next, with its buttons.
pub(super) fn asking(
    session: &Session,
    state: &State,
    need: Need,
    prompt_kept: bool,
) -> (String, Option<InlineKeyboardMarkup>) {
    let State::Collecting(draft) = state else { return (text!(session.locale, "hint-idle"), None) };
    let kept = prompt_kept.then(|| text!(session.locale, "prompt-kept"));
    let keyboard = match need {
        Need::MoreOrDone { .. } => Some(keyboard::photos_done(draft.id, session.locale)),
        Need::Photo | Need::Target | Need::Face | Need::MorePhotos(_) | Need::Prompt => None,
    };
    let words = need_words(session, draft.kind, need);
    (kept.map_or(words.clone(), |kept| format!("{kept} {words}")), keyboard)
}

/// What is needed next, in words.
pub(super) fn need_words(session: &Session, kind: Kind, need: Need) -> String {
    let locale = session.locale;
    match need {
        Need::Photo => text!(locale, "need-photo"),
        Need::Target => text!(locale, "need-target"),
        Need::Face => text!(locale, "need-face"),
        Need::MorePhotos(left) => text!(locale, "need-more-photos", left = left),
        Need::MoreOrDone { count, has_prompt: true } => {
            text!(locale, "need-done-or-more", count = count)
        }
        Need::MoreOrDone { count, has_prompt: false } => {
            text!(locale, "need-merge-prompt", count = count)
        }
        Need::Prompt => match kind {
            Kind::AddText => text!(locale, "need-prompt-add-text"),
            Kind::Merge => text!(locale, "need-prompt-merge"),
            Kind::Edit | Kind::FaceSwap | Kind::Retouch | Kind::Upscale => {
                text!(locale, "need-prompt-edit")
            }
            Kind::Generate => text!(locale, "need-prompt-create"),
        },
    }
}

/// Why it can't be used, and what would help now.
pub(super) fn refusal(
    session: &Session,
    state: &State,
    wrong: Wrong,
) -> (String, Option<InlineKeyboardMarkup>) {
    let locale = session.locale;
    let why = match wrong {
        Wrong::TooLong(length) => {
            text!(locale, "wrong-too-long", length = length, limit = PROMPT_LIMIT)
        }
        Wrong::Empty => text!(locale, "wrong-empty"),
        Wrong::PhotoNeeded => text!(locale, "wrong-photo-needed"),
        Wrong::TextNeeded => text!(locale, "wrong-text-needed"),
        Wrong::Sticker => text!(locale, "wrong-sticker"),
        Wrong::Voice => text!(locale, "wrong-voice"),
        Wrong::Video => text!(locale, "wrong-video"),
        Wrong::FileType => text!(locale, "wrong-file-type"),
        Wrong::FileSize => text!(locale, "wrong-file-size"),
        Wrong::Other => text!(locale, "wrong-other"),
        Wrong::PressButton => text!(locale, "wrong-press-button"),
        Wrong::TooManyPhotos => {
            text!(locale, "wrong-too-many", limit = *Kind::Merge.photos().end())
        }
        Wrong::OldButton => return (text!(locale, "old-button"), Some(keyboard::menu(locale))),
        Wrong::NoAmount => text!(locale, "wrong-no-amount"),
        Wrong::TooLittle => text!(locale, "wrong-too-little"),
        Wrong::TooMuch => text!(locale, "wrong-too-much"),
        Wrong::NoPromoCode => text!(locale, "wrong-no-promo-code"),
    };
    let says_it_all = matches!(
        wrong,
        Wrong::PressButton
            | Wrong::TooManyPhotos
            | Wrong::TextNeeded
            | Wrong::PhotoNeeded
            | Wrong::TooLong(_)
    );
    let hint = match state {
        _ if says_it_all => None,
        State::Idle | State::Shelved(_) | State::Paying { .. } | State::Answered { .. } => {
            Some(text!(locale, "hint-idle"))
        }
        State::Asking { question: Question::Amount { least, most }, .. } => {
            Some(topup::amount_question(session, least, most))
        }
        State::Asking { question: Question::PromoCode, .. } => Some(text!(locale, "promo-ask")),
        State::Collecting(draft) => draft.need().map(|need| need_words(session, draft.kind, need)),
        State::Choosing { .. } | State::Confirming(_) => Some(text!(locale, "wrong-press-button")),
    };
    (lines([Some(why), hint]), None)
}

/// Those that are there, one below the other.
pub(super) fn lines<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
