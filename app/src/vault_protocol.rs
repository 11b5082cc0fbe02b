//! What the page and its vault say to each other through `postMessage`: arrays of three, each led by the call's number.
//!
//! The page says `[number, name, ask]`, the ask as JSON text. The vault answers any count of `[number, "progress", percent]`, then
//! exactly one `[number, "done", answer]` or `[number, "failed", why]`, both as JSON text.
//!
//! Each ask is a type of its own and names the type of its answer ([`Ask`]), so that a program carries the code of those it uses
//! and of no others. Whatever a call needs comes with it, so a vault may be ended at any time: what it keeps between calls only saves
//! time.

use kindling_domain::bolt11::{Bolt11Error, InvoiceRefusal, Network};
use kindling_domain::id::OrderId;
use kindling_domain::keys::KeyError;
use kindling_domain::link::LinkError;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::wire::{Bundle, ClassroomBundle};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Still at it: the expected share that is done, in percent.
pub const PROGRESS: &str = "progress";
/// Done: what was asked for.
pub const DONE: &str = "done";
/// Did not work: a [`VaultTrouble`].
pub const FAILED: &str = "failed";

/// Something that the vault can do.
pub trait Ask {
    /// What the ask is called between the two.
    const NAME: &'static str;
    /// What comes of it.
    type Answer;
}

/// Draw a new secret; its SSH key is Ed25519, which takes no time.
#[derive(Serialize, Deserialize)]
pub struct NewOrder {}

impl Ask for NewOrder {
    const NAME: &'static str = "NewOrder";
    type Answer = OrderKeys;
}

/// Search the RSA-4096 key of the same secret, with progress.
#[derive(Serialize, Deserialize)]
pub struct SearchRsa {
    /// The fragment of an order link.
    pub fragment: Secret,
}

impl Ask for SearchRsa {
    const NAME: &'static str = "SearchRsa";
    type Answer = OrderKeys;
}

/// Read an order link or its fragment, as it stands in the address bar or was pasted. Of an RSA key nothing is sure until it is confirmed
/// ([`ConfirmKey`]) but that it would be this one.
#[derive(Serialize, Deserialize)]
pub struct ReadLink {
    /// The text.
    pub text: Secret,
}

impl Ask for ReadLink {
    const NAME: &'static str = "ReadLink";
    type Answer = OrderKeys;
}

/// Have the RSA key of a link confirmed, which takes longer than to read the link; other keys need that not.
#[derive(Serialize, Deserialize)]
pub struct ConfirmKey {
    /// The fragment of an order link.
    pub fragment: Secret,
}

impl Ask for ConfirmKey {
    const NAME: &'static str = "ConfirmKey";
    type Answer = ();
}

/// Write the SSH private key's file, of a key that is confirmed.
#[derive(Serialize, Deserialize)]
pub struct PrivateKey {
    /// The fragment of an order link.
    pub fragment: Secret,
    /// How.
    pub format: KeyFormat,
}

impl Ask for PrivateKey {
    const NAME: &'static str = "PrivateKey";
    type Answer = Secret;
}

/// Decode an invoice, refuse it unless it asks for exactly what was agreed, and draw its QR code.
#[derive(Serialize, Deserialize)]
pub struct CheckInvoice {
    /// BOLT11.
    pub payment_request: String,
    /// The network it must be on.
    pub network: Network,
    /// The price it must ask for.
    pub price: Sats,
    /// Seconds since 1970.
    pub now: u64,
}

impl Ask for CheckInvoice {
    const NAME: &'static str = "CheckInvoice";
    type Answer = QrCode;
}

/// Open a node's bundle.
#[derive(Serialize, Deserialize)]
pub struct OpenBundle {
    /// The fragment of an order link.
    pub fragment: Secret,
    /// A binary age file in base64.
    pub sealed: String,
}

impl Ask for OpenBundle {
    const NAME: &'static str = "OpenBundle";
    type Answer = Bundle;
}

/// Open a class's bundle.
#[derive(Serialize, Deserialize)]
pub struct OpenClass {
    /// The fragment of an order link.
    pub fragment: Secret,
    /// A binary age file in base64.
    pub sealed: String,
}

impl Ask for OpenClass {
    const NAME: &'static str = "OpenClass";
    type Answer = ClassroomBundle;
}

/// Draw a QR code of each text; the codes come in the texts' order.
#[derive(Serialize, Deserialize)]
pub struct DrawCodes {
    /// The texts.
    pub texts: Vec<Secret>,
}

impl Ask for DrawCodes {
    const NAME: &'static str = "DrawCodes";
    type Answer = Vec<QrCode>;
}

/// Lay cards out on paper: a PDF in base64.
impl Ask for Sheet {
    const NAME: &'static str = "MakePdf";
    type Answer = Secret;
}

/// Open any other file that is sealed to the order: its bytes in base64.
#[derive(Serialize, Deserialize)]
pub struct OpenFile {
    /// The fragment of an order link.
    pub fragment: Secret,
    /// A binary age file in base64.
    pub sealed: String,
}

impl Ask for OpenFile {
    const NAME: &'static str = "OpenFile";
    type Answer = Secret;
}

/// How a private key's file is written.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyFormat {
    /// OpenSSH's own.
    OpenSsh,
    /// PKCS#1 where the key is RSA, PKCS#8 where it is Ed25519.
    Pem,
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

macro_rules! troubles {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Why something did not work. The page has a sentence for each; nothing secret is in any.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum VaultTrouble {
            $($(#[doc = $doc])+ $name,)+
        }

        /// By its name, which is what goes between the two.
        impl FromStr for VaultTrouble {
            type Err = ();

            fn from_str(name: &str) -> Result<Self, ()> {
                let all = [$((stringify!($name), Self::$name),)+];
                let found = all.into_iter().find(|(known, _)| *known == name);
                found.map(|(_, trouble)| trouble).ok_or(())
            }
        }
    };
}

troubles! {
    /// The vault did not start, has trapped, or does not speak as the page does.
    Broken,
    /// The browser gives no random numbers.
    NoRandomness,
    /// Nothing of an order link in it.
    NotALink,
    /// The link was made by another version of Kindling.
    LinkOfOtherVersion,
    /// The link is cut off or mistyped.
    LinkIncomplete,
    /// The link's path names an order that its secret does not belong to.
    LinkOfOtherOrder,
    /// The counters in the link do not lead to the key.
    LinkWithWrongCounters,
    /// The search found nothing.
    NoKeyFound,
    /// A library refused to build or write the key.
    KeyNotWritten,
    /// Not an invoice, or mistyped.
    InvoiceMistyped,
    /// Not an invoice of a network that is known here.
    InvoiceOfUnknownNetwork,
    /// An amount that is not one.
    InvoiceAmountUnreadable,
    /// The invoice is cut off.
    InvoiceCutOff,
    /// A field of the invoice that is not what it says.
    InvoiceFieldUnreadable,
    /// A field that every invoice has is missing.
    InvoiceFieldMissing,
    /// The invoice demands something of the payer that is not known.
    InvoiceFeatureUnknown,
    /// The invoice's signature does not fit.
    InvoiceSignatureWrong,
    /// A genuine invoice for another chain.
    InvoiceOfOtherNetwork,
    /// A genuine invoice for another amount, or for none.
    InvoiceOfOtherAmount,
    /// The invoice is no longer good.
    InvoiceExpired,
    /// The invoice does not fit into a QR code.
    InvoiceTooLong,
    /// A participant's connection does not fit into a QR code.
    ConnectionTooLong,
    /// The sealed credentials are not what was sealed.
    CredentialsDamaged,
    /// The credentials are sealed to another key.
    CredentialsLocked,
    /// What was sealed are no credentials.
    CredentialsUnreadable,
    /// The credentials are in another version's format.
    CredentialsOfOtherVersion,
    /// The credentials name another order.
    CredentialsOfOtherOrder,
    /// Another sealed file is not what was sealed.
    FileDamaged,
    /// Another file is sealed to another key.
    FileLocked,
    /// The picture on top of the cards is not of the size that it says.
    PictureUnreadable,
}

impl From<LinkError> for VaultTrouble {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NotALink => Self::NotALink,
            LinkError::OtherVersion => Self::LinkOfOtherVersion,
            LinkError::Incomplete => Self::LinkIncomplete,
            LinkError::OtherOrder => Self::LinkOfOtherOrder,
        }
    }
}

impl From<KeyError> for VaultTrouble {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::WrongCounters => Self::LinkWithWrongCounters,
            // A link of an unknown type of key does not even parse.
            KeyError::Encoding | KeyError::UnknownType => Self::KeyNotWritten,
        }
    }
}

impl From<Bolt11Error> for VaultTrouble {
    fn from(error: Bolt11Error) -> Self {
        match error {
            Bolt11Error::Checksum => Self::InvoiceMistyped,
            Bolt11Error::Prefix => Self::InvoiceOfUnknownNetwork,
            Bolt11Error::Amount => Self::InvoiceAmountUnreadable,
            Bolt11Error::TooShort => Self::InvoiceCutOff,
            // The last two are met by who writes invoices.
            Bolt11Error::Field | Bolt11Error::Draft | Bolt11Error::SecretKey => {
                Self::InvoiceFieldUnreadable
            }
            Bolt11Error::MissingField => Self::InvoiceFieldMissing,
            Bolt11Error::UnknownFeature => Self::InvoiceFeatureUnknown,
            Bolt11Error::Signature => Self::InvoiceSignatureWrong,
        }
    }
}

impl From<InvoiceRefusal> for VaultTrouble {
    fn from(refusal: InvoiceRefusal) -> Self {
        match refusal {
            InvoiceRefusal::WrongNetwork => Self::InvoiceOfOtherNetwork,
            InvoiceRefusal::WrongAmount => Self::InvoiceOfOtherAmount,
            InvoiceRefusal::Expired => Self::InvoiceExpired,
        }
    }
}
