//! The commands: what Telegram's menu shows, and what each does. None but /start, /menu and /cancel ends a dialogue.

use teloxide::types::{BotCommand, Message};

use super::{
    BotError, account,
    dialogue::State,
    history, invite, keyboard, promo, results,
    session::Session,
    settings, support,
    text::{Locale, say, text},
    topup,
};

/// A message that begins with a slash and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Greets; sends what waited while the bot was blocked.
    Start,
    /// Ends the dialogue and shows the menu.
    Menu,
    /// Balance and free operations.
    Balance,
    /// Balance and top-up.
    Pay,
    /// Redeems a promo code.
    Promo,
    /// The user's own link for friends.
    Invite,
    /// The price list.
    Prices,
    /// Operations and payments, newest first.
    History,
    /// Chooses the language.
    Language,
    /// How to use the bot.
    Help,
    /// The terms of use.
    Terms,
    /// Help with payments.
    PaySupport,
    /// Ends the dialogue; offers to cancel jobs that have not started.
    Cancel,
    /// None of ours.
    Unknown,
}

impl Command {
    /// Those that Telegram's menu shows.
    const KNOWN: [Self; 13] = [
        Self::Start,
        Self::Menu,
        Self::Balance,
        Self::Pay,
        Self::Promo,
        Self::Invite,
        Self::Prices,
        Self::History,
        Self::Language,
        Self::Help,
        Self::Terms,
        Self::PaySupport,
        Self::Cancel,
    ];

    fn of_text(text: &str) -> Option<Self> {
        let word = text.strip_prefix('/')?.split(char::is_whitespace).next()?;
        let name = word.split('@').next()?;
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| {
            let known =
                Self::KNOWN.into_iter().find(|command| name.eq_ignore_ascii_case(command.name()));
            known.unwrap_or(Self::Unknown)
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Menu => "menu",
            Self::Balance => "balance",
            Self::Pay => "pay",
            Self::Promo => "promo",
            Self::Invite => "invite",
            Self::Prices => "prices",
            Self::History => "history",
            Self::Language => "language",
            Self::Help => "help",
            Self::Terms => "terms",
            Self::PaySupport => "paysupport",
            Self::Cancel => "cancel",
            Self::Unknown => "",
        }
    }

    fn description_key(self) -> &'static str {
        match self {
            Self::Start => "command-start",
            Self::Menu => "command-menu",
            Self::Balance => "command-balance",
            Self::Pay => "command-pay",
            Self::Promo => "command-promo",
            Self::Invite => "command-invite",
            Self::Prices => "command-prices",
            Self::History => "command-history",
            Self::Language => "command-language",
            Self::Help => "command-help",
            Self::Terms => "command-terms",
            Self::PaySupport => "command-paysupport",
            Self::Cancel => "command-cancel",
            Self::Unknown => "unknown-command",
        }
    }
}

/// A command with what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Which.
    pub command: Command,
    /// The words after it, trimmed; a link's parameter for /start.
    pub words: String,
}

impl Called {
    /// The command that a message is. "/start@bot words" is `Start`; "/ words" and "/кот" are none.
    pub fn of_message(message: Message) -> Option<Self> {
        Self::of_text(message.text()?)
    }

    fn of_text(text: &str) -> Option<Self> {
        let command = Command::of_text(text)?;
        let words = text.split_once(char::is_whitespace).map_or("", |(_, words)| words.trim());
        Some(Self { command, words: words.to_owned() })
    }
}

/// Languages whose menus are set at start: the language code for `setMyCommands` (`None`: everybody else)
/// with its commands.
pub fn menus() -> Vec<(Option<&'static str>, Vec<BotCommand>)> {
    let of = |locale| {
        let command = |command: Command| {
            BotCommand::new(command.name(), say(locale, command.description_key(), &[]))
        };
        Command::KNOWN.map(command).to_vec()
    };
    vec![(None, of(Locale::En)), (Some(Locale::Ru.code()), of(Locale::Ru))]
}

/// A command.
pub async fn handle(called: Called, session: Session) -> Result<(), BotError> {
    let locale = session.locale;
    match called.command {
        Command::Start => account::start(&session, &called.words).await,
        Command::Menu => account::menu(&session).await,
        Command::Balance => account::balance(&session).await,
        Command::Pay => topup::menu(&session, None).await,
        Command::Promo => promo::command(&session, &called.words).await,
        Command::Invite => invite::show(&session).await,
        Command::Terms => support::terms(&session).await,
        Command::PaySupport => support::payments(&session).await,
        Command::Prices => account::prices(&session).await,
        Command::History => history::show(&session, 0, None).await,
        Command::Language => settings::languages(&session).await,
        Command::Cancel => cancel(&session).await,
        Command::Help => {
            session.say(text!(locale, "help"), Some(keyboard::to_menu(locale))).await?;
            Ok(())
        }
        Command::Unknown => {
            session.say(text!(locale, "unknown-command"), None).await?;
            Ok(())
        }
    }
}

async fn cancel(session: &Session) -> Result<(), BotError> {
    let locale = session.locale;
    // An answer that was taken leaves nothing to cancel.
    let was_idle = match session.state().await? {
        State::Answered { then, .. } => *then == State::Idle,
        state => state == State::Idle,
    };
    session.keep(&State::Idle).await?;
    if !was_idle {
        session.say(text!(locale, "cancel-left"), Some(keyboard::to_menu(locale))).await?;
    }
    let jobs = results::cancelable(session).await?;
    if !jobs.is_empty() {
        session
            .say(text!(locale, "cancel-offer"), Some(keyboard::cancel_jobs(&jobs, locale)))
            .await?;
    } else if was_idle {
        session.say(text!(locale, "cancel-nothing"), None).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_words() {
        for (text, command) in [
            ("/start", Some(Command::Start)),
            ("/start promo_5", Some(Command::Start)),
            ("/HELP@kopilka_bot", Some(Command::Help)),
            ("/cancel\nплиз", Some(Command::Cancel)),
            ("/pay", Some(Command::Pay)),
            ("/paysupport", Some(Command::PaySupport)),
            ("/fly", Some(Command::Unknown)),
            ("/", None),
            ("/ кот", None),
            ("/кот", None),
            ("кот /start", None),
        ] {
            assert_eq!(Command::of_text(text), command, "{text}");
        }
    }

    #[test]
    fn what_follows_a_command_is_its_words() {
        for (text, words) in [
            ("/start", ""),
            ("/start ref_abc", "ref_abc"),
            ("/promo@kopilka_bot  NEW-YEAR ", "NEW-YEAR"),
            ("/promo\nкод", "код"),
        ] {
            assert_eq!(Called::of_text(text).unwrap().words, words, "{text}");
        }
    }

    #[test]
    fn telegram_takes_the_menus() {
        for (_, commands) in menus() {
            let names: Vec<_> = commands.iter().map(|command| command.command.as_str()).collect();
            assert_eq!(
                names,
                [
                    "start",
                    "menu",
                    "balance",
                    "pay",
                    "promo",
                    "invite",
                    "prices",
                    "history",
                    "language",
                    "help",
                    "terms",
                    "paysupport",
                    "cancel"
                ]
            );
            assert!(
                commands
                    .iter()
                    .all(|command| (3..=256).contains(&command.description.chars().count()))
            );
        }
    }
}
