//! What the page says when the vault says no.

use crate::vault_protocol::VaultTrouble;
use crate::words::vault as words;

impl VaultTrouble {
    /// One sentence for the person.
    pub fn sentence(self) -> String {
        let sentence = match self {
            Self::Broken => words::broken(),
            Self::NoRandomness => words::no_randomness(),
            Self::NotALink => words::not_a_link(),
            Self::LinkOfOtherVersion => words::link_of_other_version(),
            Self::LinkIncomplete => words::link_incomplete(),
            Self::LinkOfOtherOrder => words::link_of_other_order(),
            Self::LinkWithWrongCounters => words::link_with_wrong_counters(),
            Self::NoKeyFound => words::no_key_found(),
            Self::KeyNotWritten => words::key_not_written(),
            Self::InvoiceMistyped => words::invoice_mistyped(),
            Self::InvoiceOfUnknownNetwork => words::invoice_of_unknown_network(),
            Self::InvoiceAmountUnreadable => words::invoice_amount_unreadable(),
            Self::InvoiceCutOff => words::invoice_cut_off(),
            Self::InvoiceFieldUnreadable => words::invoice_field_unreadable(),
            Self::InvoiceFieldMissing => words::invoice_field_missing(),
            Self::InvoiceFeatureUnknown => words::invoice_feature_unknown(),
            Self::InvoiceSignatureWrong => words::invoice_signature_wrong(),
            Self::InvoiceOfOtherNetwork => words::invoice_of_other_network(),
            Self::InvoiceOfOtherAmount => words::invoice_of_other_amount(),
            Self::InvoiceExpired => words::invoice_expired(),
            Self::InvoiceTooLong => words::invoice_too_long(),
            Self::ConnectionTooLong => words::connection_too_long(),
            Self::CredentialsDamaged => words::credentials_damaged(),
            Self::CredentialsLocked => words::credentials_locked(),
            Self::CredentialsUnreadable => words::credentials_unreadable(),
            Self::CredentialsOfOtherVersion => words::credentials_of_other_version(),
            Self::CredentialsOfOtherOrder => words::credentials_of_other_order(),
            Self::FileDamaged => words::file_damaged(),
            Self::FileLocked => words::file_locked(),
            Self::PictureUnreadable => words::picture_unreadable(),
        };
        sentence.to_owned()
    }
}
