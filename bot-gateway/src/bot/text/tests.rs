use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::bot::kind::Kind;

/// Each key with the names of what it takes.
fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        let is_key = line.starts_with(|first: char| first.is_ascii_lowercase());
        if let Some((key, _)) = line.split_once(" =").filter(|_| is_key) {
            current = key.to_owned();
            assert!(
                keys.insert(current.clone(), BTreeSet::new()).is_none(),
                "{key} is there twice"
            );
        }
        for part in line.split('$').skip(1) {
            let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            keys.get_mut(&current).unwrap().insert(name);
        }
    }
    keys
}

#[test]
fn both_files_are_read_without_an_error() {
    for source in [RUSSIAN, ENGLISH] {
        assert!(FluentResource::try_new(source.to_owned()).is_ok());
    }
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_placeables() {
    assert_eq!(keys(RUSSIAN), keys(ENGLISH));
}

#[test]
fn every_key_of_the_code_exists_and_every_key_is_used() {
    let mut sources = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "tests.rs" {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let known = keys(RUSSIAN);
    for call in sources.split("text!(").skip(1) {
        let Some(literal) = call.split(',').nth(1).and_then(|key| key.trim().strip_prefix('"'))
        else {
            continue;
        };
        let key = literal.split('"').next().unwrap();
        assert!(known.contains_key(key) || key == "key", "{key} has no text");
    }
    for key in known.keys() {
        assert!(sources.contains(&format!("\"{key}\"")), "{key} is never said");
    }
}

#[test]
fn every_kind_has_its_words() {
    for kind in Kind::ALL {
        for key in [kind.title_key(), kind.invite_key()] {
            for locale in Locale::ALL {
                assert_ne!(text!(locale, key), key);
            }
        }
    }
}

#[test]
fn russian_plurals_are_right() {
    for (left, words) in [
        (0, "Пополнить баланс можно командой /pay"),
        (1, "1 бесплатная операция"),
        (2, "2 бесплатные операции"),
        (5, "5 бесплатных операций"),
        (11, "11 бесплатных операций"),
        (21, "21 бесплатная операция"),
        (22, "22 бесплатные операции"),
        (112, "112 бесплатных операций"),
    ] {
        let text = text!(Locale::Ru, "start-new", left = left);
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn the_words_of_the_contract() {
    assert_eq!(text!(Locale::Ru, "free-line", left = 2, total = 3), "Бесплатных операций: 2 из 3");
    assert_eq!(text!(Locale::Ru, "balance-line", amount = "12,50 ₽"), "Баланс: 12,50 ₽");
    assert_eq!(
        text!(Locale::Ru, "fund-free", left = 2, total = 3),
        "Бесплатная операция (останется 2 из 3)"
    );
    assert_eq!(text!(Locale::Ru, "working"), "⏳ Генерирую…");
    assert_eq!(text!(Locale::Ru, "menu-payment"), "💰 Оплатить / Баланс");
}

#[test]
fn a_user_is_spoken_to_in_their_own_choice_then_in_telegrams() {
    for (chosen, code, locale) in [
        (None, Some("ru"), Locale::Ru),
        (None, Some("ru-RU"), Locale::Ru),
        (None, Some("en-GB"), Locale::En),
        (None, Some("de"), Locale::En),
        (None, None, Locale::Ru),
        (Some("en"), Some("ru"), Locale::En),
        (Some("ru"), Some("en"), Locale::Ru),
        (Some("xx"), Some("en"), Locale::En),
    ] {
        assert_eq!(Locale::of_user(chosen, code), locale);
    }
}
