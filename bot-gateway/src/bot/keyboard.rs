//! Buttons under messages.

use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use super::{
    kind::Kind,
    money::Amount,
    press::{Picture, Press},
    text::{Locale, say, text},
    topup,
};

/// Telegram fits about so many buttons with an emoji and a digit in a row.
const PICTURES_PER_ROW: usize = 5;

/// One button.
pub fn button(label: impl Into<String>, press: &Press) -> InlineKeyboardButton {
    InlineKeyboardButton::callback(label.into(), press.data())
}

/// The main menu.
pub fn menu(locale: Locale) -> InlineKeyboardMarkup {
    let of_kind = |kind: Kind| button(say(locale, kind.title_key(), &[]), &Press::Begin(kind));
    InlineKeyboardMarkup::new([
        vec![of_kind(Kind::Generate), of_kind(Kind::Edit)],
        vec![of_kind(Kind::Merge), of_kind(Kind::AddText)],
        vec![of_kind(Kind::FaceSwap), of_kind(Kind::Retouch)],
        vec![of_kind(Kind::Upscale)],
        vec![button(text!(locale, "menu-payment"), &Press::Payment)],
        vec![button(text!(locale, "menu-settings"), &Press::Settings)],
    ])
}

/// A way back to the menu.
pub fn to_menu(locale: Locale) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[menu_button(locale)]])
}

/// Yes, at this price, or no.
pub fn confirm(id: i64, price: &Amount, locale: Locale) -> InlineKeyboardMarkup {
    let yes = text!(locale, "confirm-yes", price = price.asked(locale));
    InlineKeyboardMarkup::new([[
        button(yes, &Press::Confirm { id, price: price.clone() }),
        button(text!(locale, "confirm-no"), &Press::Decline(id)),
    ]])
}

/// After a refusal that passes: the same once more, or the menu.
pub fn again(id: i64, price: &Amount, locale: Locale) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[
        button(text!(locale, "retry-button"), &Press::Confirm { id, price: price.clone() }),
        menu_button(locale),
    ]])
}

/// After a refusal for want of funds: top up with one of `packs`, to the balance, or the same once more.
pub fn short_of_funds(
    id: i64,
    price: &Amount,
    packs: &[Amount],
    locale: Locale,
) -> InlineKeyboardMarkup {
    let mut rows = topup::keyboards::suggestions(packs, locale);
    rows.push(vec![button(text!(locale, "menu-payment"), &Press::Payment)]);
    rows.push(vec![
        button(text!(locale, "retry-button"), &Press::Confirm { id, price: price.clone() }),
        menu_button(locale),
    ]);
    InlineKeyboardMarkup::new(rows)
}

/// To the balance; without a draft to go on with.
pub fn balance(locale: Locale) -> InlineKeyboardMarkup {
    top_up(&[], locale)
}

/// Top up with one of `packs`, or to the balance; without a draft to go on with.
pub fn top_up(packs: &[Amount], locale: Locale) -> InlineKeyboardMarkup {
    let mut rows = topup::keyboards::suggestions(packs, locale);
    rows.push(vec![button(text!(locale, "menu-payment"), &Press::Payment), menu_button(locale)]);
    InlineKeyboardMarkup::new(rows)
}

/// What can be done with photos, each kind with its price.
pub fn offer(id: i64, prices: &[(Kind, Amount)], locale: Locale) -> InlineKeyboardMarkup {
    let rows = prices.iter().map(|(kind, price)| {
        let title = say(locale, kind.title_key(), &[]);
        let label = format!("{title} · {}", price.asked(locale));
        vec![button(label, &Press::Choose { id, kind: *kind, price: price.clone() })]
    });
    InlineKeyboardMarkup::new(rows)
}

/// «Готово» of a dialogue.
pub fn photos_done(id: i64, locale: Locale) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[button(text!(locale, "done-button"), &Press::PhotosDone(id))]])
}

/// Under a result of `count` pictures. With several, each has its own numbered buttons.
pub fn result(operation_id: &str, count: usize, locale: Locale) -> InlineKeyboardMarkup {
    let picture = |index| Picture { operation_id: operation_id.to_owned(), index };
    let last = vec![
        button(text!(locale, "again-button"), &Press::Again(operation_id.to_owned())),
        menu_button(locale),
    ];
    if count <= 1 {
        return InlineKeyboardMarkup::new([
            vec![
                button(text!(locale, "upscale-button"), &Press::Upscale(picture(0))),
                button(text!(locale, "edit-button"), &Press::Edit(picture(0))),
            ],
            last,
        ]);
    }
    let numbers: Vec<usize> = (0..count).collect();
    let mut rows = vec![];
    for indices in numbers.chunks(PICTURES_PER_ROW) {
        rows.push(
            indices
                .iter()
                .map(|&n| button(format!("⬆️ {}", n + 1), &Press::Upscale(picture(n))))
                .collect(),
        );
        rows.push(
            indices
                .iter()
                .map(|&n| button(format!("✏️ {}", n + 1), &Press::Edit(picture(n))))
                .collect(),
        );
    }
    rows.push(last);
    InlineKeyboardMarkup::new(rows)
}

/// After a job that failed: once more, or the menu.
pub fn failed(operation_id: Option<&str>, locale: Locale) -> InlineKeyboardMarkup {
    let mut row = vec![];
    if let Some(operation_id) = operation_id {
        row.push(button(text!(locale, "retry-button"), &Press::Again(operation_id.to_owned())));
    }
    row.push(menu_button(locale));
    InlineKeyboardMarkup::new([row])
}

/// Both languages.
pub fn languages(locale: Locale) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[
        button(text!(locale, "language-russian"), &Press::Language(Locale::Ru)),
        button(text!(locale, "language-english"), &Press::Language(Locale::En)),
    ]])
}

/// The switch, the languages, the way back.
pub fn settings(ask_first: bool, locale: Locale) -> InlineKeyboardMarkup {
    let switch = if ask_first {
        text!(locale, "settings-ask-on")
    } else {
        text!(locale, "settings-ask-off")
    };
    let mut keyboard = InlineKeyboardMarkup::new([[button(switch, &Press::AskFirst(!ask_first))]]);
    keyboard.inline_keyboard.extend(languages(locale).inline_keyboard);
    keyboard.append_row([menu_button(locale)])
}

/// Pages beside this one of the history, from 0.
pub fn history(page: u32, has_older: bool, locale: Locale) -> InlineKeyboardMarkup {
    let mut row = vec![];
    if let Some(newer) = page.checked_sub(1) {
        row.push(button(text!(locale, "history-newer"), &Press::History(newer)));
    }
    if has_older {
        row.push(button(text!(locale, "history-older"), &Press::History(page.saturating_add(1))));
    }
    let last = vec![button(text!(locale, "menu-payment"), &Press::Payment), menu_button(locale)];
    InlineKeyboardMarkup::new([row, last])
}

/// Jobs that can be canceled: operation and kind.
pub fn cancel_jobs(jobs: &[(String, Option<Kind>)], locale: Locale) -> InlineKeyboardMarkup {
    let rows = jobs.iter().map(|(operation_id, kind)| {
        let title = kind.map(|kind| say(locale, kind.title_key(), &[])).unwrap_or_default();
        vec![button(
            text!(locale, "cancel-job", kind = title),
            &Press::CancelJob(operation_id.clone()),
        )]
    });
    InlineKeyboardMarkup::new(rows)
}

/// The way back to the menu, as one button.
pub fn menu_button(locale: Locale) -> InlineKeyboardButton {
    button(text!(locale, "menu-button"), &Press::Menu)
}

#[cfg(test)]
mod tests {
    use teloxide::types::InlineKeyboardButtonKind;

    use super::*;

    const OPERATION: &str = "01936d2e-7c1a-7bbb-8ccc-0123456789ab";

    #[test]
    fn no_button_is_dead_or_too_long() {
        for locale in Locale::ALL {
            let id = i64::from(u32::MAX);
            let price = Amount { micros: i64::MAX, currency: "RUB".to_owned() };
            let prices = Kind::ALL.map(|kind| (kind, price.clone()));
            let keyboards = [
                menu(locale),
                to_menu(locale),
                confirm(id, &price, locale),
                short_of_funds(id, &price, std::slice::from_ref(&price), locale),
                top_up(std::slice::from_ref(&price), locale),
                balance(locale),
                offer(id, &prices, locale),
                photos_done(id, locale),
                result(OPERATION, 1, locale),
                result(OPERATION, 10, locale),
                failed(Some(OPERATION), locale),
                failed(None, locale),
                settings(true, locale),
                history(1, true, locale),
                cancel_jobs(&[(OPERATION.to_owned(), Some(Kind::Edit))], locale),
            ];
            for button in
                keyboards.iter().flat_map(|keyboard| keyboard.inline_keyboard.iter().flatten())
            {
                let InlineKeyboardButtonKind::CallbackData(data) = &button.kind else {
                    panic!("{button:?}")
                };
                assert!(data.len() <= 64, "{data}");
                assert_ne!(Press::of_data(data), Press::Old, "{data}");
                assert!(!button.text.trim().is_empty());
            }
        }
    }

    #[test]
    fn the_first_page_of_a_short_history_has_no_arrows() {
        let keyboard = history(0, false, Locale::Ru);
        assert_eq!(keyboard.inline_keyboard.iter().flatten().count(), 2);
    }
}
