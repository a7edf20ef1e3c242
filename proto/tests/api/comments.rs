//! Where the comments of a file are: by the path of what they stand at.

use std::collections::HashMap;

use prost_types::FileDescriptorProto;

/// Fields of the descriptors' own messages, of which paths are made.
pub const PACKAGE: i32 = 2;
pub const MESSAGES: i32 = 4;
pub const ENUMS: i32 = 5;
pub const SERVICES: i32 = 6;
/// Within a message, enum or service: its fields, values or RPCs.
pub const PARTS: i32 = 2;
/// Within a message: the messages in it.
pub const NESTED: i32 = 3;

/// The comments of one file.
pub struct Comments(HashMap<Vec<i32>, String>);

impl Comments {
    pub fn of(file: &FileDescriptorProto) -> Self {
        let places = file.source_code_info.iter().flat_map(|info| &info.location);
        let texts = places.map(|place| {
            let text = [place.leading_comments(), place.trailing_comments()].join("\n");
            (place.path.clone(), text)
        });
        Self(texts.collect())
    }

    /// Of what stands there; empty where there is none.
    pub fn at(&self, path: &[i32]) -> &str {
        self.0.get(path).map_or("", |text| text.trim())
    }
}

/// A position in a list, as paths have it.
pub fn place(index: usize) -> i32 {
    index.try_into().unwrap()
}
