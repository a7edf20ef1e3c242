//! The kinds of work, and what each needs.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// What is done to which pictures. The names are billing's kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A picture from words alone.
    Generate,
    /// A picture changed as the words say.
    Edit,
    /// Several pictures made into one.
    Merge,
    /// Words written on a picture.
    AddText,
    /// The face of the second picture put on the first.
    FaceSwap,
    /// A portrait freed of blemishes.
    Retouch,
    /// A picture made larger and sharper.
    Upscale,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Generate,
        Self::Edit,
        Self::Merge,
        Self::AddText,
        Self::FaceSwap,
        Self::Retouch,
        Self::Upscale,
    ];

    /// The name on the wire, in the database and in the models file.
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
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How many pictures it takes.
    pub fn inputs(self) -> RangeInclusive<usize> {
        match self {
            Self::Generate => 0..=0,
            Self::Edit | Self::AddText | Self::Retouch | Self::Upscale => 1..=1,
            Self::FaceSwap => 2..=2,
            Self::Merge => 2..=5,
        }
    }

    /// Whether there is nothing to do without words.
    pub fn needs_prompt(self) -> bool {
        match self {
            Self::Generate | Self::Edit | Self::Merge | Self::AddText => true,
            Self::FaceSwap | Self::Retouch | Self::Upscale => false,
        }
    }
}
