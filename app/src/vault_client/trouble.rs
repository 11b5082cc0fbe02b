//! What the page says when the vault says no.

use crate::vault_protocol::VaultTrouble;

impl VaultTrouble {
    /// One sentence for the person.
    pub fn sentence(self) -> String {
        let sentence = match self {
            Self::Broken => {
                "The part of this page that handles keys did not start. Reload the page; if that does not help, try another browser."
            }
            Self::NoRandomness => "This browser gives no random numbers.",
            Self::NotALink => "This is not an order link.",
            Self::LinkOfOtherVersion => "This order link was made by another version of Kindling.",
            Self::LinkIncomplete => "This order link is cut off or mistyped.",
            Self::LinkOfOtherOrder => "The two halves of this link belong to different orders.",
            Self::LinkWithWrongCounters => {
                "The key part of this link is mistyped; the SSH key can still be found from the secret."
            }
            Self::NoKeyFound => "No SSH key was found for this secret.",
            Self::KeyNotWritten => "The SSH key could not be written.",
            Self::InvoiceMistyped => "This is not a Lightning invoice, or it is mistyped.",
            Self::InvoiceOfUnknownNetwork => {
                "This is not an invoice for a Bitcoin network that is known here."
            }
            Self::InvoiceAmountUnreadable => "The invoice's amount cannot be read.",
            Self::InvoiceCutOff => "The invoice is cut off.",
            Self::InvoiceFieldUnreadable => "A field of the invoice cannot be read.",
            Self::InvoiceFieldMissing => "A field that every invoice needs is missing.",
            Self::InvoiceFeatureUnknown => "The invoice needs a feature that is not known here.",
            Self::InvoiceSignatureWrong => "The invoice's signature does not fit.",
            Self::InvoiceOfOtherNetwork => {
                "This invoice is for another Bitcoin network. Do not pay it."
            }
            Self::InvoiceOfOtherAmount => {
                "This invoice does not ask for the price of the order. Do not pay it."
            }
            Self::InvoiceExpired => "This invoice has expired. Do not pay it.",
            Self::InvoiceTooLong => "This invoice is too long for a QR code.",
            Self::ConnectionTooLong => "This connection is too long for a QR code.",
            Self::CredentialsDamaged => "The sealed credentials arrived damaged.",
            Self::CredentialsLocked => "The sealed credentials do not open with this order link.",
            Self::CredentialsUnreadable => {
                "The credentials opened, but this page cannot read them."
            }
            Self::CredentialsOfOtherVersion => {
                "The credentials were written for another version of this page."
            }
            Self::CredentialsOfOtherOrder => "These credentials belong to another order.",
            Self::FileDamaged => "The sealed contents arrived damaged.",
            Self::FileLocked => "The sealed contents do not open with this order link.",
            Self::PictureUnreadable => "The picture of title and logo cannot be read.",
        };
        sentence.to_owned()
    }
}
