//! The JSON of fal.ai's queue, as far as we read it.

use serde::Deserialize;

/// What a result says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// These files came out.
    Files(Vec<String>),
    /// Something came out that may not be shown.
    Refused,
    /// Nothing that we can read.
    Unreadable,
}

/// The answer to a status request.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) status: String,
}

#[derive(Debug, Deserialize)]
struct Output {
    #[serde(default)]
    images: Vec<File>,
    #[serde(default)]
    image: Option<File>,
    #[serde(default)]
    has_nsfw_concepts: Option<Vec<bool>>,
}

#[derive(Debug, Deserialize)]
struct File {
    url: String,
}

/// Reads a result: `images`, or a single `image`; refused content may come as a success with `has_nsfw_concepts`.
pub(super) fn parse_output(body: &[u8]) -> Parsed {
    let Ok(output) = serde_json::from_slice::<Output>(body) else {
        return Parsed::Unreadable;
    };
    if output.has_nsfw_concepts.is_some_and(|flags| flags.contains(&true)) {
        return Parsed::Refused;
    }
    let files: Vec<String> =
        output.images.into_iter().chain(output.image).map(|file| file.url).collect();
    if files.is_empty() { Parsed::Unreadable } else { Parsed::Files(files) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_in_both_shapes() {
        let files =
            |urls: &[&str]| Parsed::Files(urls.iter().map(|url| (*url).to_owned()).collect());
        let table = [
            (r#"{"images":[{"url":"a","width":1},{"url":"b"}],"seed":1}"#, files(&["a", "b"])),
            (r#"{"image":{"url":"a"}}"#, files(&["a"])),
            (r#"{"images":[{"url":"a"}],"has_nsfw_concepts":[false]}"#, files(&["a"])),
            (r#"{"images":[{"url":"a"}],"has_nsfw_concepts":[true]}"#, Parsed::Refused),
            (r#"{"images":[{"url":"a"}],"has_nsfw_concepts":null}"#, files(&["a"])),
            (r#"{"images":[]}"#, Parsed::Unreadable),
            ("not json", Parsed::Unreadable),
        ];
        for (body, expected) in table {
            assert_eq!(parse_output(body.as_bytes()), expected, "{body}");
        }
    }
}
