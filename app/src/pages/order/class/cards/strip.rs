//! The picture on top of each card: logo, title and date, drawn by the browser, whose fonts and text layout know every script. In the same
//! way it draws what stands beside a card's code, in languages whose letters a PDF cannot write without carrying a font of megabytes.

use crate::vault_protocol::{BASELINE, LEADING as LINE, Letters, Picture, STRIP_MM, TEXT_MM};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_channel::oneshot;
use js_sys::{Object, Reflect};
use leptos::prelude::document;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, HtmlImageElement};

/// A little over 300 to the inch.
const PIXELS_PER_MM: f64 = 12.0;
const WIDTH: f64 = STRIP_MM.0 as f64 * PIXELS_PER_MM;
const HEIGHT: f64 = STRIP_MM.1 as f64 * PIXELS_PER_MM;
const LOGO_WIDTH: f64 = 30.0 * PIXELS_PER_MM;
const GAP: f64 = 2.5 * PIXELS_PER_MM;

/// The sizes that are tried for the title, in pixels: whole ones, since writing fractions would cost the page's wasm 15 KB.
const TITLE_SIZES: [u32; 8] = [58, 53, 48, 43, 38, 34, 29, 24];
const DATE_SIZE: u32 = 33;
const LEADING: f64 = 1.18;
const MM_PER_POINT: f64 = 25.4 / 72.0;
/// No line of East Asian text begins with one of these.
const CLOSING: &str = "、。，．・：；！？）」』】ー々っゃゅょッャュョ";
const FONTS: &str = "system-ui, -apple-system, \"Segoe UI\", Roboto, \"Noto Sans\", sans-serif";

/// Draws it; `None` where this browser has no canvas.
pub fn draw(title: &str, date: &str, logo: Option<&HtmlImageElement>) -> Option<HtmlCanvasElement> {
    let (canvas, context) = blank()?;
    canvas.set_width(WIDTH as u32);
    canvas.set_height(HEIGHT as u32);
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, WIDTH, HEIGHT);
    context.set_fill_style_str("#000");
    let is_rtl = reads_from_right(title) || (title.trim().is_empty() && reads_from_right(date));
    let taken = logo.map_or(0.0, |logo| draw_logo(&context, logo, is_rtl));
    let width = WIDTH - taken;
    context.set_text_align(if is_rtl { "right" } else { "left" });
    context.set_text_baseline("alphabetic");
    // With the logo on the side where reading begins.
    let x = if is_rtl { width } else { taken };
    let date_size = f64::from(DATE_SIZE);
    let date_height = if date.trim().is_empty() {
        0.0
    } else {
        date_size * LEADING
    };
    set_direction(&context, title);
    let (size, lines) = fitting(&context, title, width, HEIGHT - date_height);
    let height = size * LEADING * lines.len() as f64 + date_height;
    let mut y = (HEIGHT - height) / 2.0;
    for line in &lines {
        y += size * LEADING;
        // Text that cannot be drawn is left out.
        let _ = context.fill_text(line, x, y - size * 0.26);
    }
    if date_height > 0.0 {
        set_direction(&context, date);
        context.set_font(&format!("400 {DATE_SIZE}px {FONTS}"));
        context.set_fill_style_str("#444");
        let _ = context.fill_text(date.trim(), x, y + date_height - date_size * 0.3);
    }
    Some(canvas)
}

/// A text of a card as a picture, in letters of so many `points` and this colour; `None` where this browser does not let pictures be read.
pub fn letters(text: &str, points: f32, colour: &str) -> Option<Letters> {
    let size = f64::from(points) * PIXELS_PER_MM * MM_PER_POINT;
    let line = size * f64::from(LINE);
    let font = format!("400 {}px {FONTS}", size as u32);
    let (canvas, context) = blank()?;
    context.set_font(&font);
    let lines = wrapped(&context, text, f64::from(TEXT_MM) * PIXELS_PER_MM);
    let wide = |line: &String| {
        context
            .measure_text(line.trim_end())
            .map_or(0.0, |measured| measured.width())
    };
    let width = lines.iter().map(wide).fold(1.0, f64::max).ceil();
    let height = (line * lines.len() as f64).ceil();
    // Which makes the context forget everything.
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, width, height);
    context.set_fill_style_str(colour);
    context.set_font(&font);
    set_direction(&context, text);
    let is_rtl = reads_from_right(text);
    context.set_text_align(if is_rtl { "right" } else { "left" });
    for (at, text) in lines.iter().enumerate() {
        let y = line * (at as f64 + f64::from(BASELINE));
        // Text that cannot be drawn is left out.
        let _ = context.fill_text(text.trim_end(), if is_rtl { width } else { 0.0 }, y);
    }
    Some(Letters {
        // Gray on white, so one colour has it all.
        picture: read(&canvas, 1)?,
        lines: lines.len() as u32,
    })
}

fn blank() -> Option<(HtmlCanvasElement, CanvasRenderingContext2d)> {
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    // Its pixels are read back, which is slow from a graphics card.
    let options = Object::new();
    // Fails on frozen objects only.
    let _ = Reflect::set(&options, &"willReadFrequently".into(), &true.into());
    let context = canvas.get_context_with_context_options("2d", &options);
    Some((canvas, context.ok()??.dyn_into().ok()?))
}

/// -> what it takes of the width, with a gap.
fn draw_logo(context: &CanvasRenderingContext2d, logo: &HtmlImageElement, is_rtl: bool) -> f64 {
    // Drawings without a size of their own are taken as squares.
    let width = f64::from(logo.natural_width().max(1));
    let height = f64::from(logo.natural_height().max(1));
    let scale = (LOGO_WIDTH / width).min(HEIGHT / height);
    let (width, height) = (width * scale, height * scale);
    let x = if is_rtl { WIDTH - width } else { 0.0 };
    let y = (HEIGHT - height) / 2.0;
    let drawn = context.draw_image_with_html_image_element_and_dw_and_dh(logo, x, y, width, height);
    if drawn.is_ok() { width + GAP } else { 0.0 }
}

/// The largest size at which the title fits, and its lines. The context keeps that font.
fn fitting(
    context: &CanvasRenderingContext2d,
    title: &str,
    width: f64,
    height: f64,
) -> (f64, Vec<String>) {
    let mut found = (0.0, Vec::new());
    for pixels in TITLE_SIZES {
        context.set_font(&format!("650 {pixels}px {FONTS}"));
        let size = f64::from(pixels);
        found = (size, wrapped(context, title.trim(), width));
        if found.1.len() as f64 * size * LEADING <= height {
            break;
        }
    }
    found
}

/// Lines that are no wider than `width`: broken at spaces, and anywhere in scripts that are written without them.
fn wrapped(context: &CanvasRenderingContext2d, text: &str, width: f64) -> Vec<String> {
    let fits = |line: &str| {
        let measured = context.measure_text(line.trim_end());
        measured.map_or(true, |measured| measured.width() <= width)
    };
    let mut lines = Vec::new();
    let mut line = String::new();
    for unit in units(text) {
        let longer = [line.as_str(), &unit].concat();
        if fits(&longer) {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if fits(&unit) {
            line = unit;
            continue;
        }
        // A word that is longer than a line.
        for sign in unit.chars() {
            let longer = format!("{line}{sign}");
            if !line.is_empty() && !fits(&longer) {
                lines.push(std::mem::replace(&mut line, sign.to_string()));
            } else {
                line = longer;
            }
        }
    }
    lines.extend(Some(line).filter(|line| !line.trim().is_empty()));
    lines
}

/// What is not broken: words with the space behind them, and single signs of East Asian scripts.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let mut open = false;
    for sign in text.chars() {
        if CLOSING.contains(sign)
            && let Some(unit) = units.last_mut()
        {
            unit.push(sign);
            open = false;
            continue;
        }
        let is_alone =
            ('\u{2e80}'..'\u{fb00}').contains(&sign) && !('\u{ac00}'..'\u{d7b0}').contains(&sign);
        match units.last_mut() {
            Some(unit) if open && !is_alone => unit.push(sign),
            _ => units.push(sign.to_string()),
        }
        open = !is_alone && !sign.is_whitespace();
    }
    units
}

/// A text's own direction, which orders its parts; web-sys does not know this property.
fn set_direction(context: &CanvasRenderingContext2d, text: &str) {
    let direction = if reads_from_right(text) { "rtl" } else { "ltr" };
    // Fails on frozen objects only.
    let _ = Reflect::set(context, &"direction".into(), &direction.into());
}

/// Whether the first letter that has a direction is Hebrew, Arabic or one of their relatives.
fn reads_from_right(text: &str) -> bool {
    let from_right = |sign: char| matches!(sign, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}');
    text.chars()
        .find(|sign| sign.is_alphabetic())
        .is_some_and(from_right)
}

/// The picture as a file for `<img>`.
pub async fn to_blob(canvas: &HtmlCanvasElement) -> Option<Blob> {
    let (done, blob) = oneshot::channel();
    let callback = Closure::once_into_js(move |blob: JsValue| {
        // Nobody waits where the page has moved on.
        let _ = done.send(blob.dyn_into::<Blob>().ok());
    });
    canvas.to_blob(callback.unchecked_ref()).ok()?;
    blob.await.ok()?
}

/// The picture's pixels for the PDF.
pub fn to_pixels(canvas: &HtmlCanvasElement) -> Option<Picture> {
    read(canvas, 3)
}

/// So many of each pixel's colours. The ground is white and covers everything, so there is nothing to see through.
fn read(canvas: &HtmlCanvasElement, colours: usize) -> Option<Picture> {
    let (width, height) = (canvas.width(), canvas.height());
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    let data = context
        .get_image_data(0.0, 0.0, width.into(), height.into())
        .ok()?;
    let pixels: Vec<u8> = data
        .data()
        .chunks_exact(4)
        .flat_map(|pixel| pixel.iter().take(colours).copied())
        .collect();
    Some(Picture {
        width,
        height,
        pixels: STANDARD.encode(pixels),
    })
}
