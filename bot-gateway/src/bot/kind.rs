//! The seven things the bot can make, and what each needs before it can be charged.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The longest prompt, in characters, that the worker takes.
pub const PROMPT_LIMIT: usize = 2000;

/// What a user may ask for. The names are those of the price list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A picture from a description.
    Generate,
    /// A photo changed as told.
    Edit,
    /// Several photos made one.
    Merge,
    /// A photo with words on it.
    AddText,
    /// A face of one photo put into another.
    FaceSwap,
    /// A photo cleaned up.
    Retouch,
    /// A photo made larger and sharper.
    Upscale,
}

impl Kind {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 7] = [
        Self::Generate,
        Self::Edit,
        Self::Merge,
        Self::AddText,
        Self::FaceSwap,
        Self::Retouch,
        Self::Upscale,
    ];

    /// Its name in the price list and in jobs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Edit => "edit",
            Self::Merge => "merge",
            Self::AddText => "add_text",
            Self::FaceSwap => "face_swap",
            Self::Retouch => "retouch",
            Self::Upscale => "upscale",
        }
    }

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its callback data in the main menu: the name, but for `create`.
    pub fn menu_data(self) -> &'static str {
        match self {
            Self::Generate => "create",
            other => other.name(),
        }
    }

    /// The key of its title.
    pub fn title_key(self) -> &'static str {
        match self {
            Self::Generate => "menu-create",
            Self::Edit => "menu-edit",
            Self::Merge => "menu-merge",
            Self::AddText => "menu-add-text",
            Self::FaceSwap => "menu-face-swap",
            Self::Retouch => "menu-retouch",
            Self::Upscale => "menu-upscale",
        }
    }

    /// The key of the sentence that asks for its input.
    pub fn invite_key(self) -> &'static str {
        match self {
            Self::Generate => "invite-create",
            Self::Edit => "invite-edit",
            Self::Merge => "invite-merge",
            Self::AddText => "invite-add-text",
            Self::FaceSwap => "invite-face-swap",
            Self::Retouch => "invite-retouch",
            Self::Upscale => "invite-upscale",
        }
    }

    /// How many photos it takes.
    pub fn photos(self) -> RangeInclusive<usize> {
        match self {
            Self::Generate => 0..=0,
            Self::Edit | Self::AddText | Self::Retouch | Self::Upscale => 1..=1,
            Self::FaceSwap => 2..=2,
            Self::Merge => 2..=5,
        }
    }

    /// Whether it can't do without words; the others take them all the same.
    pub fn needs_prompt(self) -> bool {
        match self {
            Self::Generate | Self::Edit | Self::Merge | Self::AddText => true,
            Self::FaceSwap | Self::Retouch | Self::Upscale => false,
        }
    }

    /// What may be done with so many photos that came without a word on what to do.
    pub fn for_photos(count: usize) -> Vec<Self> {
        match count {
            0 => vec![],
            1 => Self::ALL.into_iter().filter(|kind| *kind != Self::Generate).collect(),
            2 => vec![Self::Merge, Self::FaceSwap],
            _ => vec![Self::Merge],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_price_list_and_menu_data_those_of_the_contract() {
        let names: Vec<_> = Kind::ALL.map(Kind::name).into();
        assert_eq!(
            names,
            ["generate", "edit", "merge", "add_text", "face_swap", "retouch", "upscale"]
        );
        let data: Vec<_> = Kind::ALL.map(Kind::menu_data).into();
        assert_eq!(
            data,
            ["create", "edit", "merge", "add_text", "face_swap", "retouch", "upscale"]
        );
        for kind in Kind::ALL {
            assert_eq!(Kind::of_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::of_name("create"), None);
    }

    #[test]
    fn one_photo_can_become_anything_but_a_drawing() {
        assert_eq!(Kind::for_photos(1).len(), 6);
        assert_eq!(Kind::for_photos(2), [Kind::Merge, Kind::FaceSwap]);
        assert_eq!(Kind::for_photos(5), [Kind::Merge]);
    }
}
