//! What users chose.

use std::time::SystemTime;

use service_kit::time::to_micros;

use super::{Store, StoreError};

/// What a user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSettings {
    /// "ru" or "en", when the user chose one instead of the language of their Telegram.
    pub locale: Option<String>,
    /// Ask before each charge.
    pub ask_before_charge: bool,
    /// The language of their Telegram, as it was seen last. Not theirs to choose here: [`Store::see_language`] keeps it.
    pub language_code: Option<String>,
}

impl Store {
    /// The settings of `tg:<telegram id>`; the defaults for a user who never chose.
    pub async fn user_settings(&self, user_id: &str) -> Result<UserSettings, StoreError> {
        let row = self
            .row(
                "SELECT locale, ask_before_charge, language_code FROM user_settings WHERE user_id = $1",
                [user_id.into()],
            )
            .await?;
        let Some(row) = row else { return Ok(UserSettings::default()) };
        Ok(UserSettings {
            locale: row.try_get("", "locale")?,
            ask_before_charge: row.try_get("", "ask_before_charge")?,
            language_code: row.try_get("", "language_code")?,
        })
    }

    /// Keeps what was chosen.
    pub async fn save_user_settings(
        &self,
        user_id: &str,
        settings: &UserSettings,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO user_settings (user_id, locale, ask_before_charge, update_time) VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id) DO UPDATE SET
                locale = excluded.locale, ask_before_charge = excluded.ask_before_charge,
                update_time = excluded.update_time",
            [
                user_id.into(),
                settings.locale.clone().into(),
                settings.ask_before_charge.into(),
                to_micros(SystemTime::now()).into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// This is the language of the user's Telegram: what is told unasked is told in it.
    pub async fn see_language(&self, user_id: &str, code: &str) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO user_settings (user_id, ask_before_charge, language_code, update_time)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (user_id) DO UPDATE SET
                language_code = excluded.language_code, update_time = excluded.update_time",
            [user_id.into(), false.into(), code.into(), to_micros(SystemTime::now()).into()],
        )
        .await?;
        Ok(())
    }
}
