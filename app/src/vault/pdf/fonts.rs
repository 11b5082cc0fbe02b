//! The three standard fonts of the cards: how wide their signs are, so that lines can be broken and set flush right. Every reader of PDFs
//! has these fonts, so none is in the file.

use pdf_writer::Name;

/// A font of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Font {
    /// Helvetica.
    Sans,
    /// Helvetica Bold.
    Bold,
    /// Courier.
    Mono,
}

impl Font {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sans, Self::Bold, Self::Mono];

    /// What pages call it.
    pub const fn name(self) -> Name<'static> {
        match self {
            Self::Sans => Name(b"Sans"),
            Self::Bold => Name(b"Bold"),
            Self::Mono => Name(b"Mono"),
        }
    }

    /// What readers know it as.
    pub const fn base(self) -> Name<'static> {
        match self {
            Self::Sans => Name(b"Helvetica"),
            Self::Bold => Name(b"Helvetica-Bold"),
            Self::Mono => Name(b"Courier"),
        }
    }

    /// How wide a text of `WinAnsiEncoding` is, in the unit of the size.
    pub fn measure(self, text: &[u8], size: f32) -> f32 {
        let thousandths: u32 = text.iter().map(|byte| u32::from(self.width(*byte))).sum();
        thousandths as f32 / 1000.0 * size
    }

    fn width(self, byte: u8) -> u16 {
        let of = |table: &[u16; 95]| {
            let at = usize::from(unaccented(byte)).checked_sub(32);
            at.and_then(|at| table.get(at)).copied().unwrap_or(WIDEST)
        };
        match self {
            Self::Sans => of(&HELVETICA),
            Self::Bold => of(&HELVETICA_BOLD),
            Self::Mono => 600,
        }
    }
}

/// Words in lines of `font` that are no wider than `width`; they are broken at plain spaces alone.
pub fn wrapped(text: &[u8], font: Font, size: f32, width: f32) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for word in text.split(|byte| *byte == b' ') {
        if let Some(line) = lines.last_mut() {
            let longer = [line.as_slice(), b" ", word].concat();
            if font.measure(&longer, size) <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(word.to_vec());
    }
    lines
}

/// A letter with an accent is as wide as without; other signs are taken as one of about their width.
const fn unaccented(byte: u8) -> u8 {
    match byte {
        0x91 | 0x92 | 0x82 => b'\'',
        0x93 | 0x94 | 0x84 => b'r',
        0xa0 | 0xb7 => b' ',
        0xa1 => b'!',
        0xbf => b'?',
        0x8e => b'Z',
        0x9e => b'z',
        0x8b | 0x9b => b'(',
        0x95 => b'r',
        0x9f | 0xdd => b'Y',
        0xc0..=0xc5 => b'A',
        0xc7 => b'C',
        0xc8..=0xcb => b'E',
        0xcc..=0xcf => b'I',
        0xd0 => b'D',
        0xd1 => b'N',
        0xd2..=0xd6 | 0xd8 => b'O',
        0xd9..=0xdc => b'U',
        0xdf => b'o',
        0xe0..=0xe5 => b'a',
        0xe7 => b'c',
        0xe8..=0xeb => b'e',
        0xec..=0xef => b'i',
        0xf1 => b'n',
        0xf2..=0xf6 | 0xf8 => b'o',
        0xf9..=0xfc => b'u',
        0xfd | 0xff => b'y',
        0x96 | 0xa2..=0xbe | 0xd7 | 0xde | 0xf0 | 0xf7 | 0xfe => b'0',
        other => other,
    }
}

/// What no sign exceeds, for those that no table has.
const WIDEST: u16 = 1000;

/// The widths of Helvetica's signs from the space to the tilde, in thousandths (Adobe's metrics of the standard fonts).
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The same of the bold one.
const HELVETICA_BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];
