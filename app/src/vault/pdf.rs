//! Cards on paper. The same layout as the page's print style sheet: eight cards to a page, each with the branding on top, the QR code
//! below, and beside it what it is.

use crate::vault_protocol::{Paper, STRIP_MM, Sheet, SheetCard, Strip, VaultTrouble};
use crate::{Performed, qr};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_qr::QRCode;
use kindling_domain::secret::Secret;
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};

const COLUMNS: usize = 2;
const ROWS: usize = 4;
const A_PAGE: usize = COLUMNS * ROWS;

/// Points in a millimetre.
const MM: f32 = 72.0 / 25.4;
/// What printers leave white, at each side of a card.
const SIDE: f32 = 7.0 * MM;
const TOP: f32 = 6.0 * MM;
/// The code with its light margin, which may reach into what stays white.
const CODE: f32 = 49.5 * MM;
const CODE_SIDE: f32 = 4.8 * MM;
const CODE_BELOW: f32 = 3.8 * MM;
const TEXT_SIDE: f32 = CODE_SIDE + CODE + 1.2 * MM;

/// The pixels of a module: viewers that smooth pictures then blur an eighth of it at most.
const PIXELS: usize = 8;
/// Deflate's effort: beyond it files hardly shrink.
const EFFORT: u8 = 6;

const STRIP: Name = Name(b"Strip");
const SANS: Name = Name(b"Sans");
const BOLD: Name = Name(b"Bold");
const MONO: Name = Name(b"Mono");
const FONTS: [(Name, &[u8]); 3] = [
    (SANS, b"Helvetica"),
    (BOLD, b"Helvetica-Bold"),
    (MONO, b"Courier"),
];

/// Numbers the objects of the file.
struct Objects(i32);

impl Objects {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// Makes the file.
pub fn make(sheet: &Sheet) -> Performed<Secret> {
    let (width, height) = match sheet.paper {
        Paper::A4 => (210.0 * MM, 297.0 * MM),
        Paper::Letter => (612.0, 792.0),
    };
    let mut pdf = Pdf::new();
    let mut objects = Objects(0);
    let (catalog, tree) = (objects.next(), objects.next());
    pdf.catalog(catalog).pages(tree);
    let fonts = FONTS.map(|(name, base)| {
        let font = objects.next();
        pdf.type1_font(font).base_font(Name(base));
        (name, font)
    });
    let strip = match &sheet.strip {
        Some(strip) => Some(embed_strip(&mut pdf, objects.next(), strip)?),
        None => None,
    };
    let mut pages = Vec::new();
    for cards in sheet.cards.chunks(A_PAGE) {
        let (page, contents) = (objects.next(), objects.next());
        let mut codes = Vec::new();
        let mut content = Content::new();
        for (place, card) in cards.iter().enumerate() {
            let code = objects.next();
            embed_code(&mut pdf, code, &qr::of_text(&card.code)?);
            let name = format!("Code{place}");
            let corner = (
                width / COLUMNS as f32 * (place % COLUMNS) as f32,
                height - height / ROWS as f32 * (place / COLUMNS + 1) as f32,
            );
            draw_card(
                &mut content,
                card,
                &name,
                strip.is_some(),
                corner,
                height / ROWS as f32,
            );
            codes.push((name, code));
        }
        draw_cuts(&mut content, width, height);
        let stream = compress_to_vec_zlib(&content.finish(), EFFORT);
        pdf.stream(contents, &stream).filter(Filter::FlateDecode);
        let mut writer = pdf.page(page);
        writer
            .media_box(Rect::new(0.0, 0.0, width, height))
            .parent(tree)
            .contents(contents);
        let mut resources = writer.resources();
        resources.fonts().pairs(fonts);
        let mut pictures = resources.x_objects();
        pictures.pairs(
            codes
                .iter()
                .map(|(name, code)| (Name(name.as_bytes()), *code)),
        );
        if let Some(strip) = strip {
            pictures.pair(STRIP, strip);
        }
        pictures.finish();
        resources.finish();
        writer.finish();
        pages.push(page);
    }
    let count = i32::try_from(pages.len()).unwrap_or_default();
    pdf.pages(tree).kids(pages).count(count);
    Ok(Secret::new(STANDARD.encode(pdf.finish())))
}

/// Once in the file, however many cards bear it.
fn embed_strip(pdf: &mut Pdf, id: Ref, strip: &Strip) -> Performed<Ref> {
    const DAMAGED: VaultTrouble = VaultTrouble::PictureUnreadable;
    let pixels = STANDARD.decode(&strip.rgb).map_err(|_| DAMAGED)?;
    let expected = (strip.width as usize).checked_mul(strip.height as usize * 3);
    let (Ok(width), Ok(height)) = (i32::try_from(strip.width), i32::try_from(strip.height)) else {
        return Err(DAMAGED);
    };
    if expected != Some(pixels.len()) {
        return Err(DAMAGED);
    }
    let packed = compress_to_vec_zlib(&pixels, EFFORT);
    let mut image = pdf.image_xobject(id, &packed);
    image.filter(Filter::FlateDecode);
    image.width(width).height(height).bits_per_component(8);
    image.color_space().device_rgb();
    Ok(id)
}

/// One bit to a pixel, so that it stays sharp; as a path, viewers would leave seams between the modules.
fn embed_code(pdf: &mut Pdf, id: Ref, code: &QRCode) {
    let modules = code.size + 2 * qr::MARGIN;
    // A module is eight pixels and a pixel one bit, so a byte is a module.
    let mut pixels = Vec::with_capacity(modules * modules * PIXELS);
    for y in 0..modules {
        let row: Vec<u8> = (0..modules)
            .map(|x| {
                let inside = |at: usize| at.checked_sub(qr::MARGIN).filter(|at| *at < code.size);
                match (inside(y), inside(x)) {
                    (Some(y), Some(x)) if code[y][x].value() => 0x00,
                    _ => 0xff,
                }
            })
            .collect();
        for _ in 0..PIXELS {
            pixels.extend_from_slice(&row);
        }
    }
    let packed = compress_to_vec_zlib(&pixels, EFFORT);
    let side = i32::try_from(modules * PIXELS).unwrap_or_default();
    let mut image = pdf.image_xobject(id, &packed);
    image.filter(Filter::FlateDecode);
    image
        .width(side)
        .height(side)
        .bits_per_component(1)
        .interpolate(false);
    image.color_space().device_gray();
}

/// `corner` is the lower left one.
fn draw_card(
    content: &mut Content,
    card: &SheetCard,
    code: &str,
    has_strip: bool,
    (left, bottom): (f32, f32),
    height: f32,
) {
    let mut picture = |name: Name, x: f32, y: f32, width: f32, height: f32| {
        content
            .save_state()
            .transform([width, 0.0, 0.0, height, x, y])
            .x_object(name)
            .restore_state();
    };
    let top = bottom + height;
    if has_strip {
        let (wide, high) = (STRIP_MM.0 * MM, STRIP_MM.1 * MM);
        picture(STRIP, left + SIDE, top - TOP - high, wide, high);
    }
    // Without branding the code stands in the middle.
    let below = if has_strip {
        CODE_BELOW
    } else {
        (height - CODE) / 2.0
    };
    picture(
        Name(code.as_bytes()),
        left + CODE_SIDE,
        bottom + below,
        CODE,
        CODE,
    );
    let x = left + TEXT_SIDE;
    let mut y = bottom + below + CODE - 2.2 * MM;
    let mut line = |font: Name, size: f32, lead: f32, gray: f32, text: &str| {
        y -= lead;
        let ascii: Vec<u8> = text
            .chars()
            .map(|c| if c.is_ascii() { c as u8 } else { b'?' })
            .collect();
        content
            .begin_text()
            .set_font(font, size)
            .set_fill_gray(gray)
            .set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y])
            .show(Str(&ascii))
            .end_text();
    };
    line(SANS, 9.0, 9.0, 0.3, &format!("Node {}", card.number));
    line(BOLD, 16.0, 18.0, 0.0, &card.name);
    for (at, text) in wrapped(&card.hint, 8.0, TEXT_WIDTH).iter().enumerate() {
        line(SANS, 8.0, if at == 0 { 15.0 } else { 10.0 }, 0.0, text);
    }
    for (name, value) in &card.small {
        line(SANS, 6.5, 12.0, 0.3, name);
        for text in pieces(value, MONO_SIGNS) {
            line(MONO, 6.0, 7.5, 0.0, &text);
        }
    }
}

const TEXT_WIDTH: f32 = 42.0 * MM;
/// How many signs of six-point Courier stand in a line; each is 0.6 em wide.
const MONO_SIGNS: usize = 33;

/// Dashed lines where to cut: one down the middle, three across.
fn draw_cuts(content: &mut Content, width: f32, height: f32) {
    content
        .set_line_width(0.5)
        .set_stroke_gray(0.55)
        .set_dash_pattern([3.0, 3.0], 0.0);
    for column in 1..COLUMNS {
        let x = width / COLUMNS as f32 * column as f32;
        content.move_to(x, 0.0).line_to(x, height).stroke();
    }
    for row in 1..ROWS {
        let y = height / ROWS as f32 * row as f32;
        content.move_to(0.0, y).line_to(width, y).stroke();
    }
}

/// Words in lines of Helvetica that are no wider than `width`.
fn wrapped(text: &str, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if measure(line, size) + measure(word, size) + measure(" ", size) <= width =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text without spaces in lines of as many signs.
fn pieces(text: &str, signs: usize) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    all.chunks(signs)
        .map(|piece| piece.iter().collect())
        .collect()
}

fn measure(text: &str, size: f32) -> f32 {
    let thousandths: u32 = text
        .bytes()
        .map(|byte| {
            let at = usize::from(byte).checked_sub(32);
            u32::from(at.and_then(|at| HELVETICA.get(at)).copied().unwrap_or(556))
        })
        .sum();
    thousandths as f32 / 1000.0 * size
}

/// The widths of Helvetica's signs from the space to the tilde, in thousandths (Adobe's metrics of the standard fonts).
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
