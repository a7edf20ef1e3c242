//! Which app does which kind of work, and the body that it takes.
//!
//! The built-in table is `models.toml` beside this file, its head comment is the manual. Pictures travel inside the
//! body as `data:` URIs: fal never needs a link to anything of ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jobs::{Kind, Spec};

const BUILT_IN: &str = include_str!("models.toml");

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// `FAL_MODELS_FILE` can't be read.
    #[error("{path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A table that is no table of models.
    #[error("{origin} is not a table of models")]
    Parse {
        /// The file, or the built-in table.
        origin: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A kind without an app.
    #[error("no app for kind {0}")]
    Missing(&'static str),
    /// An app that is no path of at least owner and name.
    #[error("app {app:?} of kind {kind} is not owner/name")]
    App {
        /// Whose.
        kind: &'static str,
        /// What was given.
        app: String,
    },
    /// Not as many fields as the kind has pictures.
    #[error("images of kind {0} do not fit the pictures it takes")]
    Images(&'static str),
}

/// The app of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The app's id.
    pub app: String,
    prompt: Option<String>,
    images: Option<Images>,
    #[serde(default)]
    parameters: Map<String, Value>,
    #[serde(default)]
    options: BTreeMap<String, OptionType>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Images {
    List(String),
    Each(Vec<String>),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OptionType {
    String,
    Integer,
    Number,
    Boolean,
}

/// The app of every kind.
#[derive(Debug, Clone)]
pub struct Models(BTreeMap<Kind, Model>);

impl Models {
    /// The built-in table, with the kinds of `file` in place of its own.
    pub fn load(file: Option<&Path>) -> Result<Self, ModelsError> {
        let mut models = parse(BUILT_IN, "the built-in table")?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ModelsError::Read { path: path.to_owned(), source })?;
            models.extend(parse(&text, &path.display().to_string())?);
        }
        for kind in Kind::ALL {
            let model = models.get(&kind).ok_or(ModelsError::Missing(kind.name()))?;
            check(kind, model)?;
        }
        Ok(Self(models))
    }

    /// The app of a kind.
    pub fn of(&self, kind: Kind) -> Option<&Model> {
        self.0.get(&kind)
    }
}

impl Model {
    /// The first option that this app takes and that does not have its type.
    pub fn wrong_option<'a>(&self, options: &'a BTreeMap<String, String>) -> Option<&'a str> {
        options
            .iter()
            .find(|(name, value)| {
                self.options.get(*name).is_some_and(|kind| kind.read(value).is_none())
            })
            .map(|(name, _)| name.as_str())
    }

    /// The body of a submit. `inputs` are the job's pictures with their types, in order. Options that the app's
    /// configuration doesn't list are left out.
    pub fn body(&self, spec: &Spec, inputs: Vec<(&'static str, Bytes)>) -> Bytes {
        let mut body = self.parameters.clone();
        for (name, value) in &spec.options {
            if let Some(value) = self.options.get(name).and_then(|kind| kind.read(value)) {
                body.insert(name.clone(), value);
            }
        }
        if let Some(template) = &self.prompt {
            let prompt = template.replace("{prompt}", &spec.prompt.0);
            body.insert("prompt".to_owned(), Value::from(prompt.trim()));
        }
        let uris = inputs.into_iter().map(|(mime, bytes)| data_uri(mime, &bytes));
        match &self.images {
            None => {}
            Some(Images::List(name)) => {
                body.insert(name.clone(), uris.collect());
            }
            Some(Images::Each(names)) => body.extend(names.iter().cloned().zip(uris)),
        }
        Bytes::from(Value::Object(body).to_string())
    }
}

impl OptionType {
    fn read(self, value: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::from(value)),
            Self::Integer => value.parse::<i64>().ok().map(Value::from),
            Self::Number => serde_json::from_str::<serde_json::Number>(value).ok().map(Value::from),
            Self::Boolean => value.parse::<bool>().ok().map(Value::from),
        }
    }
}

fn data_uri(mime: &str, bytes: &Bytes) -> Value {
    let mut uri = format!("data:{mime};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    Value::from(uri)
}

fn parse(text: &str, origin: &str) -> Result<BTreeMap<Kind, Model>, ModelsError> {
    toml::from_str(text).map_err(|source| ModelsError::Parse {
        origin: origin.to_owned(),
        source: Box::new(source),
    })
}

fn check(kind: Kind, model: &Model) -> Result<(), ModelsError> {
    let parts: Vec<&str> = model.app.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if parts.len() < 2 || !parts.iter().all(plain) {
        return Err(ModelsError::App { kind: kind.name(), app: model.app.clone() });
    }
    let fits = match &model.images {
        None => *kind.inputs().end() == 0,
        Some(Images::List(_)) => true,
        Some(Images::Each(names)) => kind.inputs() == (names.len()..=names.len()),
    };
    if fits { Ok(()) } else { Err(ModelsError::Images(kind.name())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{Prompt, ReplyTo};

    fn spec(kind: Kind, prompt: &str, options: &[(&str, &str)]) -> Spec {
        Spec {
            user_id: "tg:1".to_owned(),
            kind,
            prompt: Prompt(prompt.to_owned()),
            input_ids: Vec::new(),
            options: options
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            reply_to: ReplyTo { chat_id: 1, message_id: 0, locale: "ru".to_owned() },
        }
    }

    fn body(kind: Kind, prompt: &str, options: &[(&str, &str)], inputs: usize) -> Value {
        let models = Models::load(None).unwrap();
        let inputs = vec![("image/png", Bytes::from_static(b"png")); inputs];
        let body = models.of(kind).unwrap().body(&spec(kind, prompt, options), inputs);
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn the_built_in_table_has_every_kind() {
        let models = Models::load(None).unwrap();
        for kind in Kind::ALL {
            assert!(models.of(kind).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn bodies_carry_words_and_pictures() {
        assert_eq!(body(Kind::Generate, "a cat", &[], 0)["prompt"], "a cat");
        let merged = body(Kind::Merge, "side by side", &[], 3);
        assert_eq!(merged["image_urls"].as_array().unwrap().len(), 3);
        assert!(merged["prompt"].as_str().unwrap().ends_with(": side by side"));
        let swapped = body(Kind::FaceSwap, "ignored", &[], 2);
        assert_eq!(swapped["base_image_url"], "data:image/png;base64,cG5n");
        assert!(swapped.get("swap_image_url").is_some() && swapped.get("prompt").is_none());
    }

    #[test]
    fn options_are_passed_where_the_table_lists_them() {
        let made = body(Kind::Generate, "a cat", &[("seed", "7"), ("sync_mode", "true")], 0);
        assert_eq!(made["seed"], 7);
        assert!(made.get("sync_mode").is_none());
        let models = Models::load(None).unwrap();
        let wrong = BTreeMap::from([("seed".to_owned(), "seven".to_owned())]);
        assert_eq!(models.of(Kind::Generate).unwrap().wrong_option(&wrong), Some("seed"));
        assert_eq!(models.of(Kind::Edit).unwrap().wrong_option(&wrong), None);
    }

    #[test]
    fn a_file_replaces_only_its_kinds_and_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.toml");
        std::fs::write(&path, "[generate]\napp = \"me/mine\"\nprompt = \"{prompt}\"\n").unwrap();
        let models = Models::load(Some(&path)).unwrap();
        assert_eq!(models.of(Kind::Generate).unwrap().app, "me/mine");
        assert_eq!(models.of(Kind::Edit).unwrap().app, "fal-ai/nano-banana/edit");
        for wrong in [
            "[generate]\napp = \"mine\"",
            "[generate]\napp = \"me/../x\"\nurl = \"\"",
            "[dance]\napp = \"me/mine\"",
            "[face_swap]\napp = \"me/mine\"\nimages = [\"one\"]",
            "[edit]\napp = \"me/mine\"",
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert!(Models::load(Some(&path)).is_err(), "{wrong}");
        }
        assert!(Models::load(Some(&folder.path().join("none"))).is_err());
    }
}
