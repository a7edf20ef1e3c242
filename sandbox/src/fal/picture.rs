//! Draws the answer: a real PNG that shows the app, the prompt and the pictures that came with it.

use std::io::Cursor;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use anyhow::Context;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use sha2::{Digest, Sha256};

use super::input::Input;

/// Encoded PNG and its width and height.
pub(super) type Drawn = (Vec<u8>, (u32, u32));

/// Longer prompts end with an ellipsis.
const LINES: usize = 9;

/// The picture for a request; the same `seed` draws the same picture.
pub(super) fn draw(app: &str, input: &Input, seed: &str) -> anyhow::Result<Drawn> {
    let hash = Sha256::digest(format!("{seed}{}", input.prompt));
    let enlarged = app.contains("upscal") || app.contains("esrgan") || app.contains("aura-sr");
    let mut canvas = match input.pictures.first() {
        Some(picture) if enlarged => enlarge(picture),
        _ => background(input.size, &hash),
    };
    if !enlarged {
        thumbnails(&mut canvas, &input.pictures);
    }
    caption(&mut canvas, app, input, enlarged)?;
    encode(canvas)
}

/// What fal answers in place of a picture that its safety checker refused.
pub(super) fn black(size: (u32, u32)) -> anyhow::Result<Drawn> {
    encode(RgbImage::new(size.0, size.1))
}

fn encode(canvas: RgbImage) -> anyhow::Result<Drawn> {
    let size = canvas.dimensions();
    let mut png = Cursor::new(Vec::new());
    canvas.write_to(&mut png, ImageFormat::Png)?;
    Ok((png.into_inner(), size))
}

fn enlarge(picture: &DynamicImage) -> RgbImage {
    let (width, height) = (picture.width().max(1), picture.height().max(1));
    let factor = (2048 / width.max(height)).clamp(1, 2);
    picture.resize(width * factor, height * factor, FilterType::CatmullRom).to_rgb8()
}

/// A dusk sky over hills, with colours of its own for every request.
fn background((width, height): (u32, u32), hash: &[u8]) -> RgbImage {
    let byte = |index: usize| hash.get(index).copied().unwrap_or(128);
    let hue = f32::from(byte(0)) / 255.0;
    let (top, low) = (colour(hue, 0.55, 0.32), colour(hue + 0.12, 0.60, 0.78));
    let (far, near) = (colour(hue + 0.45, 0.35, 0.36), colour(hue + 0.5, 0.45, 0.20));
    let sun = (
        width as f32 * (0.2 + f32::from(byte(1)) / 425.0),
        height as f32 * 0.42,
        width as f32 * 0.11,
    );
    let hills = |x: f32, base: f32, swing: f32, phase: u8| {
        let wave =
            (x * 5.3 + f32::from(phase)).sin() + 0.5 * (x * 11.7 + f32::from(phase) * 2.0).sin();
        height as f32 * (base + swing * wave)
    };
    RgbImage::from_fn(width, height, |x, y| {
        let (fx, fy) = (x as f32, y as f32);
        let across = fx / width as f32;
        if fy > hills(across, 0.80, 0.035, byte(2)) {
            return near;
        }
        if fy > hills(across, 0.68, 0.05, byte(3)) {
            return far;
        }
        let away = ((fx - sun.0).powi(2) + (fy - sun.1).powi(2)).sqrt();
        let glow = (1.0 - (away - sun.2) / (sun.2 * 2.5)).clamp(0.0, 1.0);
        let sky = blend(top, low, fy / height as f32);
        let light = if away < sun.2 { 1.0 } else { glow * glow * 0.55 };
        blend(sky, Rgb([255, 244, 214]), light)
    })
}

fn colour(hue: f32, saturation: f32, value: f32) -> Rgb<u8> {
    let channel = |offset: f32| {
        let position = (hue + offset).rem_euclid(1.0) * 6.0;
        let ramp = ((position - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        (255.0 * value * (1.0 - saturation + saturation * ramp)) as u8
    };
    Rgb([channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)])
}

fn blend(under: Rgb<u8>, over: Rgb<u8>, alpha: f32) -> Rgb<u8> {
    let mix = |index: usize| {
        let (under, over) = (f32::from(under.0[index]), f32::from(over.0[index]));
        (under + (over - under) * alpha.clamp(0.0, 1.0)) as u8
    };
    Rgb([mix(0), mix(1), mix(2)])
}

/// The inputs side by side in white frames, in the upper part.
fn thumbnails(canvas: &mut RgbImage, pictures: &[DynamicImage]) {
    let shown: Vec<_> = pictures.iter().take(5).collect();
    if shown.is_empty() {
        return;
    }
    let (width, height) = canvas.dimensions();
    let count = u32::try_from(shown.len()).unwrap_or(1);
    let gap = width / 40;
    let cell = ((width - gap * (count + 1)) / count).min(height * 2 / 5);
    let left = (width - (cell * count + gap * (count - 1))) / 2;
    let frame = (width / 160).max(2);
    for (place, picture) in (0..count).zip(shown) {
        let small = picture.resize_to_fill(cell, cell, FilterType::Triangle).to_rgb8();
        let (x, y) = (left + place * (cell + gap), height / 12);
        let side = cell + 2 * frame;
        let edge = RgbImage::from_pixel(side, side, Rgb([255, 255, 255]));
        imageops::replace(
            canvas,
            &edge,
            i64::from(x) - i64::from(frame),
            i64::from(y) - i64::from(frame),
        );
        imageops::replace(canvas, &small, i64::from(x), i64::from(y));
    }
}

/// A dark band at the bottom with the app and the prompt.
fn caption(canvas: &mut RgbImage, app: &str, input: &Input, enlarged: bool) -> anyhow::Result<()> {
    let regular = FontRef::try_from_slice(dejavu::sans::regular()).context("the embedded font")?;
    let bold = FontRef::try_from_slice(dejavu::sans::bold()).context("the embedded font")?;
    let (width, height) = canvas.dimensions();
    let scale = (width as f32 / 22.0).clamp(10.0, 56.0);
    let margin = scale * 0.8;
    let title = match (enlarged, input.pictures.len()) {
        (true, _) => format!("{app} · {width}×{height}"),
        (false, 0) => app.to_owned(),
        (false, count) => format!("{app} · {count} input{}", if count == 1 { "" } else { "s" }),
    };
    let lines = wrap(&regular, scale, width as f32 - 2.0 * margin, &input.prompt);
    let band = (margin * 1.6 + scale * 0.9 + scale * 1.3 * lines.len() as f32).min(height as f32);
    let top = height as f32 - band;
    for y in top as u32..height {
        for x in 0..width {
            let pixel = canvas.get_pixel_mut(x, y);
            *pixel = blend(*pixel, Rgb([12, 16, 24]), 0.68);
        }
    }
    let mut baseline = top + margin + scale * 0.55;
    text(canvas, &bold, scale * 0.62, (margin, baseline), Rgb([255, 214, 120]), &title);
    for line in lines {
        baseline += scale * 1.3;
        text(canvas, &regular, scale, (margin, baseline), Rgb([255, 255, 255]), &line);
    }
    Ok(())
}

fn wrap(font: &FontRef<'_>, scale: f32, width: f32, prompt: &str) -> Vec<String> {
    let scaled = font.as_scaled(PxScale::from(scale));
    let advance = |text: &str| -> f32 {
        text.chars().map(|letter| scaled.h_advance(scaled.glyph_id(letter))).sum()
    };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in prompt.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if advance(&longer) <= width {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            if advance(&line) + advance(letter.encode_utf8(&mut [0; 4])) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

fn text(
    canvas: &mut RgbImage,
    font: &FontRef<'_>,
    scale: f32,
    (left, baseline): (f32, f32),
    ink: Rgb<u8>,
    text: &str,
) {
    let scaled = font.as_scaled(PxScale::from(scale));
    let mut x = left;
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        let glyph = id.with_scale_and_position(PxScale::from(scale), point(x, baseline));
        if let Some(outline) = font.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, coverage| {
                let (px, py) =
                    (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
                if let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py))
                    && let Some(pixel) = canvas.get_pixel_mut_checked(px, py)
                {
                    *pixel = blend(*pixel, ink, coverage);
                }
            });
        }
        x += scaled.h_advance(id);
    }
}
