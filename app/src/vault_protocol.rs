//! What the page and its vault say to each other: JSON text through `postMessage`, every call with a number, and to each
//! number any count of progress and exactly one answer.
//!
//! The vault keeps nothing between calls: whatever a call needs comes with it, so a vault may be ended at any time.

use kindling_domain::bolt11::Network;
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, ClassroomBundle};
use serde::{Deserialize, Serialize};

/// From the page.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the page, echoed in every reply.
    pub id: u32,
    /// What to do.
    pub call: Call,
}

/// From the vault.
#[derive(Serialize, Deserialize)]
pub struct Reply {
    /// The call's number.
    pub id: u32,
    /// How it goes.
    pub news: News,
}

/// How a call goes.
#[derive(Serialize, Deserialize)]
pub enum News {
    /// Still at it: the expected share that is done, in percent.
    Progress(u8),
    /// Done.
    Done(Answer),
    /// Did not work: one sentence for the person, without anything secret in it.
    Failed(String),
}

/// What the vault can do.
#[derive(Serialize, Deserialize)]
pub enum Call {
    /// Draw a new secret; its SSH key is Ed25519, which takes no time. Answers [`Answer::Order`].
    NewOrder,
    /// Search the RSA-4096 key of the same secret, with progress. Answers [`Answer::Order`].
    SearchRsa {
        /// The fragment of an order link.
        fragment: Secret,
    },
    /// Read an order link or its fragment, as it stands in the address bar or was pasted. Answers [`Answer::Order`].
    ReadLink {
        /// The text.
        text: Secret,
    },
    /// Write the SSH private key. Answers [`Answer::PrivateKey`].
    PrivateKey {
        /// The fragment of an order link.
        fragment: Secret,
    },
    /// Decode an invoice and refuse it unless it asks for exactly what was agreed. Answers [`Answer::Invoice`].
    CheckInvoice {
        /// BOLT11.
        payment_request: String,
        /// The network it must be on.
        network: Network,
        /// The price it must ask for.
        price: Sats,
        /// Seconds since 1970.
        now: u64,
    },
    /// Open a bundle. Answers [`Answer::Bundle`].
    OpenBundle {
        /// The fragment of an order link.
        fragment: Secret,
        /// A binary age file in base64.
        sealed: String,
    },
    /// Open a class's bundle. Answers [`Answer::Class`].
    OpenClass {
        /// The fragment of an order link.
        fragment: Secret,
        /// A binary age file in base64.
        sealed: String,
    },
    /// Draw a QR code of each text. Answers [`Answer::Codes`].
    DrawCodes {
        /// The texts.
        texts: Vec<Secret>,
    },
    /// Lay cards out on paper. Answers [`Answer::Pdf`].
    MakePdf(Box<Sheet>),
    /// Open any other file that is sealed to the order. Answers [`Answer::File`].
    OpenFile {
        /// The fragment of an order link.
        fragment: Secret,
        /// A binary age file in base64.
        sealed: String,
    },
}

/// What the vault answers.
#[derive(Serialize, Deserialize)]
pub enum Answer {
    /// What an order link stands for.
    Order(Box<OrderKeys>),
    /// The SSH private key in OpenSSH's format.
    PrivateKey(Secret),
    /// The invoice is what was agreed.
    Invoice(QrCode),
    /// The opened bundle.
    Bundle(Box<Bundle>),
    /// The opened bundle of a class.
    Class(Box<ClassroomBundle>),
    /// The codes, in the texts' order.
    Codes(Vec<QrCode>),
    /// The file, in base64.
    Pdf(Secret),
    /// The opened file, in base64.
    File(Secret),
}

/// Everything the page needs from an order link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKeys {
    /// The order's id.
    pub order_id: OrderId,
    /// The part of the link behind `#`.
    pub fragment: Secret,
    /// The bearer token.
    pub access_token: Secret,
    /// What the server may know of the token.
    pub access_hash: String,
    /// The age recipient the bundle is to be sealed to.
    pub seal_to: String,
    /// One line in OpenSSH's format.
    pub ssh_public_key: String,
    /// `SHA256:…`
    pub ssh_fingerprint: String,
}

/// A drawn QR code: squares of one unit as an SVG path, the light margin included.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrCode {
    /// Width and height in units.
    pub size: usize,
    /// The dark squares, for the attribute `d`.
    pub path: String,
}

/// What cards are printed on.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Paper {
    /// 210 × 297 mm.
    A4,
    /// 8.5 × 11 inches.
    Letter,
}

/// Cards for paper: eight to a page, each an equal part of it, so that there is nothing to cut at the edges.
#[derive(Serialize, Deserialize)]
pub struct Sheet {
    /// On what.
    pub paper: Paper,
    /// The page's language is written from right to left, so each card is laid out that way.
    pub from_right: bool,
    /// What is on top of each card.
    pub strip: Option<Picture>,
    /// Texts of the cards that the standard fonts of a PDF cannot write.
    pub letters: Vec<(String, Letters)>,
    /// The cards.
    pub cards: Vec<SheetCard>,
}

/// A picture made by the page, whose fonts know every script.
#[derive(Serialize, Deserialize)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Three bytes to a pixel, or one where all is gray; in base64.
    pub pixels: String,
}

/// A text as a picture.
#[derive(Serialize, Deserialize)]
pub struct Letters {
    /// Its lines, one below the other, each `LEADING` of its letters' size high, and none wider than the widest line.
    pub picture: Picture,
    /// How many lines.
    pub lines: u32,
}

/// How wide and high the picture on top of each card is on paper, in millimetres.
pub const STRIP_MM: (f32, f32) = (91.0, 10.5);
/// How wide the column of text on a card is, in millimetres.
pub const TEXT_MM: f32 = 42.0;
/// The size of a card's number, in points.
pub const LABEL_POINTS: f32 = 9.0;
/// The size of what to do with its code, in points.
pub const HINT_POINTS: f32 = 8.0;
/// The size of what names the small print, in points.
pub const SMALL_POINTS: f32 = 6.5;
/// How far two lines of a picture are apart, in the size of its letters.
pub const LEADING: f32 = 1.25;
/// Where in a line of a picture the letters stand, as a part of its height from above.
pub const BASELINE: f32 = 0.72;

/// One card. Nothing of the teacher's is in it.
#[derive(Serialize, Deserialize)]
pub struct SheetCard {
    /// The node's number, in words.
    pub label: String,
    /// The node's name.
    pub name: String,
    /// What to do with the code.
    pub hint: String,
    /// What must be typed or compared by hand, under a word for it.
    pub small: Vec<(String, String)>,
    /// What the QR code says.
    pub code: Secret,
}
