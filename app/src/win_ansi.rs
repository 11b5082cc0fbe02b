//! What the standard fonts of a PDF can write: Latin letters as Windows-1252 counts them (`WinAnsiEncoding`). The page asks, to draw what
//! is not among them as a picture; the vault writes with it.

/// The signs that stand elsewhere than in Unicode. The narrow space of French is written as the usual one that does not break.
const MOVED: [(char, u8); 20] = [
    ('€', 0x80),
    ('‚', 0x82),
    ('„', 0x84),
    ('…', 0x85),
    ('‹', 0x8b),
    ('Œ', 0x8c),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('™', 0x99),
    ('›', 0x9b),
    ('œ', 0x9c),
    ('ž', 0x9e),
    ('Ž', 0x8e),
    ('Ÿ', 0x9f),
    ('\u{202f}', 0xa0),
];

/// The text's bytes; `None` where one of its signs is not among them.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    text.chars().map(sign).collect()
}

fn sign(sign: char) -> Option<u8> {
    match sign {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(sign)).ok(),
        _ => {
            let (_, byte) = MOVED.iter().find(|(moved, _)| *moved == sign)?;
            Some(*byte)
        }
    }
}
