//! The columns that hold JSON. Amounts are integers of micros, times of microseconds, enums the names of their columns.
//!
//! Where a row can be one of several things (what an administrator asked for, what happened), one column names it and
//! the other holds what belongs to it: [`split`] and [`join`].

mod event;
mod operation;
mod request;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Named;
pub use event::{read_event, write_event};
pub use operation::{
    read_decline, read_funding, read_labels, write_decline, write_funding, write_labels,
};
pub use request::{read_action, write_action};

/// What serde makes of an enum with `#[serde(tag = "name", content = "body")]`.
#[derive(Serialize, Deserialize)]
struct Split {
    name: String,
    body: Value,
}

/// The name of the value, and the JSON of what belongs to it.
fn split(value: &impl Serialize) -> serde_json::Result<(String, String)> {
    let Split { name, body } = serde_json::from_value(serde_json::to_value(value)?)?;
    Ok((name, body.to_string()))
}

/// The value of a name and the JSON of what belongs to it.
fn join<T: DeserializeOwned>(name: &str, body: &str) -> serde_json::Result<T> {
    let split = Split { name: name.to_owned(), body: serde_json::from_str(body)? };
    serde_json::from_value(serde_json::to_value(split)?)
}

/// An enum by its name in the database, where it can be absent.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "T: Named")]
struct ByName<T>(#[serde(with = "by_name")] T);

/// For `#[serde(with = "by_name")]`: an enum by its name in the database.
mod by_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::store::tables::Named;

    pub fn serialize<T: Named, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.name())
    }

    pub fn deserialize<'de, T: Named, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let name = String::deserialize(from)?;
        T::of(&name).ok_or_else(|| D::Error::custom(format_args!("unknown name {name}")))
    }
}

/// For `#[serde(with = "by_text")]`: an id or account that is checked when it is read.
mod by_text {
    use std::fmt::Display;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::ledger::{InvalidId, Kind, PromoCodeName, UserId};

    /// A text that follows a rule.
    pub trait Checked: Display + Sized {
        fn check(text: String) -> Result<Self, InvalidId>;
    }

    macro_rules! checked {
        ($($id:ident)+) => {
            $(impl Checked for $id {
                fn check(text: String) -> Result<Self, InvalidId> {
                    Self::parse(text)
                }
            })+
        };
    }

    checked! { Kind PromoCodeName UserId }

    pub fn serialize<T: Checked, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, T: Checked, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::check(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
