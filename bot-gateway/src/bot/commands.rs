//! The commands, as Telegram's menu shows them.

use teloxide::types::BotCommand;

/// Languages whose menus are set at start: the language code for `setMyCommands` (`None`: everybody else)
/// with its commands.
pub fn menus() -> Vec<(Option<&'static str>, Vec<BotCommand>)> {
    Vec::new()
}
