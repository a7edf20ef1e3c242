//! Reads a request's body: the prompt, the input pictures, the size and number of pictures wanted.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::DynamicImage;
use serde_json::Value;

use super::failure::refusal;

/// Larger sides are not drawn; fal's apps have such limits too.
const SIDE: std::ops::RangeInclusive<u32> = 64..=2048;

/// A body that can be worked on.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) prompt: String,
    pub(super) pictures: Vec<DynamicImage>,
    pub(super) size: (u32, u32),
    pub(super) count: u32,
}

/// Does the app answer one `image` instead of `images`?
pub(super) fn answers_single(app: &str) -> bool {
    ["upscal", "esrgan", "aura-sr", "codeformer", "face-swap"].iter().any(|name| app.contains(name))
}

/// The prompt as sent, whether usable or not.
pub(super) fn prompt(body: &Value) -> &str {
    body.get("prompt").and_then(Value::as_str).unwrap_or_default()
}

/// Every field that names a picture, in the body's order.
pub(super) fn picture_fields(body: &Value) -> Vec<(&str, &Value)> {
    let Some(fields) = body.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, value) in fields {
        if name.ends_with("image_url") {
            found.push((name.as_str(), value));
        } else if name.ends_with("image_urls") {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            found.extend(list.iter().map(|value| (name.as_str(), value)));
        }
    }
    found
}

/// Checks a body as the app would: the error is the job's response.
pub(super) fn read(app: &str, body: &Value) -> Result<Input, (StatusCode, Value)> {
    let prompt = prompt(body);
    let fields = picture_fields(body);
    let by_picture_alone = answers_single(app) || app.contains("restor") || app.contains("retouch");
    if prompt.is_empty() && !by_picture_alone {
        return Err(refusal("prompt", "Field required", "missing", ""));
    }
    let needs_picture = by_picture_alone || app.contains("edit") || app.contains("kontext");
    if fields.is_empty() && needs_picture {
        return Err(refusal("image_url", "Field required", "missing", prompt));
    }
    let mut pictures = Vec::new();
    for (name, value) in fields {
        pictures.push(decode(value).ok_or_else(|| {
            refusal(
                name,
                "Failed to load the image. Please ensure the image file is not corrupted and is in a supported format.",
                "image_load_error",
                prompt,
            )
        })?);
    }
    let count = body.get("num_images").and_then(Value::as_u64).unwrap_or(1);
    Ok(Input {
        prompt: prompt.to_owned(),
        size: size(body),
        pictures,
        count: u32::try_from(count).unwrap_or(1).clamp(1, 4),
    })
}

/// `data:` URIs only: the stand-in reaches for nothing on the network.
fn decode(value: &Value) -> Option<DynamicImage> {
    let (_, encoded) = value.as_str()?.strip_prefix("data:")?.split_once(";base64,")?;
    let bytes = STANDARD.decode(encoded).ok()?;
    image::load_from_memory(&bytes).ok()
}

fn size(body: &Value) -> (u32, u32) {
    let wanted = body.get("image_size").or_else(|| body.get("aspect_ratio"));
    match wanted {
        Some(Value::Object(size)) => {
            let side = |name| {
                let side = size.get(name).and_then(Value::as_u64).unwrap_or(768);
                u32::try_from(side).unwrap_or(768).clamp(*SIDE.start(), *SIDE.end())
            };
            (side("width"), side("height"))
        }
        Some(Value::String(name)) => match name.as_str() {
            "landscape_4_3" | "4:3" => (1024, 768),
            "landscape_16_9" | "16:9" => (1024, 576),
            "portrait_4_3" | "3:4" => (768, 1024),
            "portrait_16_9" | "9:16" => (576, 1024),
            _ => (768, 768),
        },
        _ => (768, 768),
    }
}
