//! What the bot says, in Russian and English, from the embedded Fluent files of `locales/`.
//!
//! Texts are plain, without a parse mode: what a user wrote can then be shown as it is.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use serde::{Deserialize, Serialize};
use unic_langid::{LanguageIdentifier, langid};

const RUSSIAN: &str = include_str!("../../locales/ru.ftl");
const ENGLISH: &str = include_str!("../../locales/en.ftl");

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
    LazyLock::new(|| [bundle(langid!("ru"), RUSSIAN), bundle(langid!("en"), ENGLISH)]);

/// A language that the bot speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Locale {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ru, Self::En];

    /// Its code, as in `ReplyTo.locale`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// The locale of exactly this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.code() == code)
    }

    /// What to speak with a user: their own choice; else Telegram's `language_code`, where Russian is Russian and
    /// anything else English; else, not knowing, Russian.
    pub fn of_user(chosen: Option<&str>, language_code: Option<&str>) -> Self {
        if let Some(chosen) = chosen.and_then(Self::of_code) {
            return chosen;
        }
        match language_code {
            None => Self::Ru,
            Some(code) if code == "ru" || code.starts_with("ru-") => Self::Ru,
            Some(_) => Self::En,
        }
    }
}

/// The text of a key. A key that doesn't exist comes out as itself, and the log says so; a test finds such keys.
pub fn say(locale: Locale, key: &str, args: &[(&str, FluentValue<'_>)]) -> String {
    let [russian, english] = &*BUNDLES;
    let bundle = match locale {
        Locale::Ru => russian,
        Locale::En => english,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::error!(key, "text without a translation");
        return key.to_owned();
    };
    let mut values = FluentArgs::with_capacity(args.len());
    for (name, value) in args {
        values.set(*name, value.clone());
    }
    let mut errors = vec![];
    let text = bundle.format_pattern(pattern, Some(&values), &mut errors);
    if !errors.is_empty() {
        tracing::error!(key, ?errors, "text with a placeable that has no value");
    }
    text.into_owned()
}

/// `text!(locale, "key", name = value)`: the text of a key with what it takes.
macro_rules! text {
    ($locale:expr, $key:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::bot::text::say($locale, $key, &[$((stringify!($name), ::fluent_bundle::FluentValue::from($value))),*])
    };
}
pub(crate) use text;

fn bundle(language: LanguageIdentifier, source: &str) -> FluentBundle<FluentResource> {
    // A resource with errors still holds all entries that could be read; a test makes sure that there are none.
    let resource =
        FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _errors)| resource);
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Telegram shows the isolation marks of Fluent as boxes on some phones.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

#[cfg(test)]
mod tests;
