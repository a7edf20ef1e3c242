//! What a user may choose: the language, and to be asked before each charge.

use super::{
    BotError, keyboard,
    presses::Pressed,
    session::Session,
    text::{Locale, text},
};

/// Shows the settings, in place of `spot` where there is one.
pub async fn show(session: &Session, spot: Option<i32>) -> Result<(), BotError> {
    let locale = session.locale;
    let words = format!(
        "{}\n\n{}",
        text!(locale, "settings-title"),
        text!(locale, "settings-ask-explained")
    );
    session.say_at(spot, words, Some(keyboard::settings(session.ask_first, locale))).await?;
    Ok(())
}

/// Switches "ask before charging".
pub async fn ask_first(session: &Session, pressed: &Pressed, on: bool) -> Result<(), BotError> {
    session.choose(|settings| settings.ask_before_charge = on).await?;
    pressed.toast(session, text!(session.locale, "saved")).await;
    show(&Session { ask_first: on, ..session.clone() }, pressed.message_id).await
}

/// /language.
pub async fn languages(session: &Session) -> Result<(), BotError> {
    session
        .say(text!(session.locale, "language-title"), Some(keyboard::languages(session.locale)))
        .await?;
    Ok(())
}

/// Chooses a language, and greets in it.
pub async fn language(
    session: &Session,
    pressed: &Pressed,
    locale: Locale,
) -> Result<(), BotError> {
    session.choose(|settings| settings.locale = Some(locale.code().to_owned())).await?;
    pressed.toast(session, text!(locale, "saved")).await;
    session.say(text!(locale, "language-set"), Some(keyboard::menu(locale))).await?;
    Ok(())
}
