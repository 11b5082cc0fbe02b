//! What the page says when the server says no, in the language of the page.

use crate::words::{errors as words, language};
use kindling_domain::error::{ApiError, ErrorCode};

/// One sentence for the person: what is wrong, and what to do.
pub fn sentence(error: &ApiError) -> String {
    let sentence = match error.code {
        // The server tells what is wrong with this very address, and which amount an invoice has to ask for; but in English only.
        ErrorCode::InvalidRefundAddress if !error.message.is_empty() && language() == "en" => {
            return error.message.clone();
        }
        // None of these comes of anything a person can do on a page of the server's own version.
        ErrorCode::InvalidJson
        | ErrorCode::InvalidBody
        | ErrorCode::UnknownField
        | ErrorCode::InvalidRecipient
        | ErrorCode::InvalidAccessHash
        | ErrorCode::InvalidNonce
        | ErrorCode::MethodNotAllowed
        | ErrorCode::NonceNotRising
        | ErrorCode::AlreadyPaired
        | ErrorCode::AlreadyDelivered
        | ErrorCode::UpgradeRequired => words::page_outdated(),
        ErrorCode::InvalidOrderId => words::invalid_order_id(),
        ErrorCode::UnknownProduct => words::unknown_product(),
        ErrorCode::UnavailableOption => words::unavailable_option(),
        ErrorCode::UnknownPlan => words::unknown_plan(),
        ErrorCode::InvalidAmount => words::invalid_amount(),
        ErrorCode::UnknownRegion => words::unknown_region(),
        ErrorCode::InvalidSshKey => words::invalid_ssh_key(),
        ErrorCode::SshKeyIsPrivate => words::ssh_key_is_private(),
        ErrorCode::SshKeyTooShort => words::ssh_key_too_short(),
        ErrorCode::SshKeyHasOptions => words::ssh_key_has_options(),
        ErrorCode::SshKeyUnsupported => words::ssh_key_unsupported(),
        ErrorCode::InvalidRefundAddress => words::invalid_refund_address(),
        ErrorCode::InvalidHours => words::invalid_hours(),
        ErrorCode::NotFound => words::not_found(),
        ErrorCode::OrderExists => words::order_exists(),
        ErrorCode::NotReady => words::not_ready(),
        ErrorCode::ClaimedElsewhere => words::claimed_elsewhere(),
        ErrorCode::NotExtendable => words::not_extendable(),
        ErrorCode::NotRunning => words::not_running(),
        ErrorCode::NotPairable => words::not_pairable(),
        ErrorCode::NotRenewable => words::not_renewable(),
        ErrorCode::RefundUnderWay => words::refund_under_way(),
        ErrorCode::InvalidPushEndpoint => words::invalid_push_endpoint(),
        ErrorCode::TooManySubscriptions => words::too_many_subscriptions(),
        ErrorCode::NoNotifications => words::no_notifications(),
        ErrorCode::BundleErased => words::bundle_erased(),
        ErrorCode::BodyTooLarge => words::body_too_large(),
        ErrorCode::TooManyOrders => words::too_many_orders(),
        ErrorCode::TooManyRequests => words::too_many_requests(),
        ErrorCode::NoCapacity => words::no_capacity(),
        ErrorCode::TooEarly => words::too_early(),
        ErrorCode::LightningUnavailable => words::lightning_unavailable(),
        ErrorCode::TemporarilyUnavailable => words::temporarily_unavailable(),
    };
    sentence.to_owned()
}
