//! Cards on paper. The same layout as the page's print style sheet: eight cards to a page, each with the branding on top, the QR code
//! below, and beside it what it is. Where people read from the right, each page is its own mirror image, codes and letters apart.

mod fonts;

use crate::vault_protocol::{
    BASELINE, HINT_POINTS, LABEL_POINTS, LEADING, Paper, Picture, SMALL_POINTS, STRIP_MM, Sheet,
    SheetCard, TEXT_MM, VaultTrouble,
};
use crate::{Performed, qr, win_ansi};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_qr::QRCode;
use fonts::{Font, wrapped};
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
    let fonts = Font::ALL.map(|font| {
        let id = objects.next();
        pdf.type1_font(id)
            .base_font(font.base())
            .encoding_predefined(Name(b"WinAnsiEncoding"));
        (font.name(), id)
    });
    let strip = match &sheet.strip {
        Some(strip) => Some(embed(&mut pdf, objects.next(), strip)?),
        None => None,
    };
    let mut letters = Vec::new();
    for (at, (text, drawn)) in sheet.letters.iter().enumerate() {
        letters.push(Drawn {
            text: text.clone(),
            name: format!("Letters{at}"),
            id: embed(&mut pdf, objects.next(), &drawn.picture)?,
            width: drawn.picture.width,
            height: drawn.picture.height,
            lines: drawn.lines,
        });
    }
    let style = Style {
        strip,
        from_right: sheet.from_right,
        letters,
        width: width / COLUMNS as f32,
        height: height / ROWS as f32,
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
            let column = match style.from_right {
                true => COLUMNS - 1 - place % COLUMNS,
                false => place % COLUMNS,
            };
            let corner = (
                style.width * column as f32,
                height - style.height * (place / COLUMNS + 1) as f32,
            );
            draw_card(&mut content, card, &name, &style, corner);
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
        if let Some(strip) = style.strip {
            pictures.pair(STRIP, strip);
        }
        for drawn in &style.letters {
            pictures.pair(Name(drawn.name.as_bytes()), drawn.id);
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
fn embed(pdf: &mut Pdf, id: Ref, picture: &Picture) -> Performed<Ref> {
    const DAMAGED: VaultTrouble = VaultTrouble::PictureUnreadable;
    let pixels = STANDARD.decode(&picture.pixels).map_err(|_| DAMAGED)?;
    let area = (picture.width as usize).checked_mul(picture.height as usize);
    let (Ok(width), Ok(height)) = (i32::try_from(picture.width), i32::try_from(picture.height))
    else {
        return Err(DAMAGED);
    };
    let is_gray = area == Some(pixels.len());
    if !is_gray && area.and_then(|area| area.checked_mul(3)) != Some(pixels.len()) {
        return Err(DAMAGED);
    }
    let packed = compress_to_vec_zlib(&pixels, EFFORT);
    let mut image = pdf.image_xobject(id, &packed);
    image.filter(Filter::FlateDecode);
    image.width(width).height(height).bits_per_component(8);
    match is_gray {
        true => image.color_space().device_gray(),
        false => image.color_space().device_rgb(),
    }
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

/// What all cards of a file have in common.
struct Style {
    strip: Option<Ref>,
    from_right: bool,
    letters: Vec<Drawn>,
    width: f32,
    height: f32,
}

/// A text that is in the file as a picture.
struct Drawn {
    text: String,
    name: String,
    id: Ref,
    width: u32,
    height: u32,
    lines: u32,
}

/// `corner` is the lower left one.
fn draw_card(
    content: &mut Content,
    card: &SheetCard,
    code: &str,
    style: &Style,
    (left, bottom): (f32, f32),
) {
    let top = bottom + style.height;
    // How far something is from the edge where reading begins.
    let from_edge = |far: f32, width: f32| match style.from_right {
        true => left + style.width - far - width,
        false => left + far,
    };
    if style.strip.is_some() {
        let (wide, high) = (STRIP_MM.0 * MM, STRIP_MM.1 * MM);
        let corner = (from_edge(SIDE, wide), top - TOP - high);
        draw_picture(content, STRIP, corner, (wide, high));
    }
    // Without branding the code stands in the middle.
    let below = match style.strip {
        Some(_) => CODE_BELOW,
        None => (style.height - CODE) / 2.0,
    };
    let corner = (from_edge(CODE_SIDE, CODE), bottom + below);
    draw_picture(content, Name(code.as_bytes()), corner, (CODE, CODE));
    let mut column = Column {
        content,
        style,
        x: from_edge(TEXT_SIDE, TEXT_WIDTH),
        y: bottom + below + CODE - 2.2 * MM,
    };
    column.text(&card.label, Font::Sans, LABEL_POINTS, 9.0, 0.3);
    column.text(&card.name, Font::Bold, 16.0, 18.0, 0.0);
    column.text(&card.hint, Font::Sans, HINT_POINTS, 15.0, 0.0);
    for (name, value) in &card.small {
        column.text(name, Font::Sans, SMALL_POINTS, 12.0, 0.3);
        // Addresses and fingerprints are ASCII, and read from left to right everywhere.
        for line in value.as_bytes().chunks(MONO_SIGNS) {
            column.y -= 7.5;
            column.write(line, Font::Mono, 6.0, 0.0, column.x);
        }
    }
}

fn draw_picture(
    content: &mut Content,
    name: Name,
    (x, y): (f32, f32),
    (width, height): (f32, f32),
) {
    content
        .save_state()
        .transform([width, 0.0, 0.0, height, x, y])
        .x_object(name)
        .restore_state();
}

/// The text beside a code, written from above.
struct Column<'a> {
    content: &'a mut Content,
    style: &'a Style,
    x: f32,
    /// Where the last line stands.
    y: f32,
}

impl Column<'_> {
    /// A text in as many lines as it needs, the first of them `lead` below what stands there already.
    fn text(&mut self, text: &str, font: Font, size: f32, lead: f32, gray: f32) {
        let letters = &self.style.letters;
        if let Some(drawn) = letters.iter().find(|drawn| drawn.text == text) {
            return self.letters(drawn, size * LEADING, lead);
        }
        // The page sends a picture of whatever cannot be written, so there is always something to write.
        let bytes = win_ansi::encode(text).unwrap_or_default();
        for (at, line) in wrapped(&bytes, font, size, TEXT_WIDTH).iter().enumerate() {
            self.y -= if at == 0 { lead } else { size * LEADING };
            let x = match self.style.from_right {
                true => self.x + TEXT_WIDTH - font.measure(line, size),
                false => self.x,
            };
            self.write(line, font, size, gray, x);
        }
    }

    fn letters(&mut self, drawn: &Drawn, line: f32, lead: f32) {
        let height = line * drawn.lines as f32;
        let width = height * drawn.width as f32 / drawn.height.max(1) as f32;
        let x = match self.style.from_right {
            true => self.x + TEXT_WIDTH - width,
            false => self.x,
        };
        let bottom = self.y - lead + line * BASELINE - height;
        let name = Name(drawn.name.as_bytes());
        draw_picture(self.content, name, (x, bottom), (width, height));
        self.y = bottom + line * (1.0 - BASELINE);
    }

    fn write(&mut self, line: &[u8], font: Font, size: f32, gray: f32, x: f32) {
        self.content
            .begin_text()
            .set_font(font.name(), size)
            .set_fill_gray(gray)
            .set_text_matrix([1.0, 0.0, 0.0, 1.0, x, self.y])
            .show(Str(line))
            .end_text();
    }
}

const TEXT_WIDTH: f32 = TEXT_MM * MM;
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
