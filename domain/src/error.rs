//! Every refusal the API can give: a stable code, an HTTP status and one plain sentence.

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:literal, $message:literal;)+) => {
        /// The stable codes of `{error: {code, message}}`. Clients branch on these; sentences may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $name,)+
        }

        impl ErrorCode {
            /// Every code, for tests and documentation.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),+];

            /// The code as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $code),+ }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$name => $status),+ }
            }

            /// One plain sentence for the person who meets it.
            pub const fn message(self) -> &'static str {
                match self { $(ErrorCode::$name => $message),+ }
            }
        }
    };
}

error_codes! {
    /// The body is not JSON.
    InvalidJson = "invalid_json", 400, "The body is not valid JSON.";
    /// A field is missing or has the wrong type.
    InvalidBody = "invalid_body", 400, "A field of the body is missing or has the wrong type.";
    /// A field that the contract does not know.
    UnknownField = "unknown_field", 400, "The body has a field that this call does not know.";
    /// Not 32 lowercase hex digits.
    InvalidOrderId = "invalid_order_id", 400, "An order id is 32 lowercase hex digits.";
    /// No such product.
    UnknownProduct = "unknown_product", 400, "There is no such product; GET /api/catalogue lists what is sold.";
    /// An option of the product that is not sold here, or not together with the others.
    UnavailableOption = "unavailable_option", 400, "These options are not sold together, or not here: assumeutxo and neutrino go with mainnet only, a full graph with plans A and B; GET /api/catalogue lists what is sold.";
    /// A classroom's plan that does not exist or is not sold.
    UnknownPlan = "unknown_plan", 400, "There is no such plan, or it is not sold here; GET /api/catalogue lists the plans.";
    /// Not an amount that a classroom's nodes can have.
    InvalidAmount = "invalid_amount", 400, "satsPerNode is a whole number from 10000000 to 1000000000.";
    /// No such region.
    UnknownRegion = "unknown_region", 400, "There is no such region; GET /api/catalogue lists the regions.";
    /// Not an OpenSSH public key line.
    InvalidSshKey = "invalid_ssh_key", 400, "The SSH key is not one line in OpenSSH's public key format.";
    /// A private key was sent.
    SshKeyIsPrivate = "ssh_key_is_private", 400, "That is a private SSH key: keep it to yourself, replace it if you are unsure who has seen it, and send the .pub file instead.";
    /// RSA below 3072 bits.
    SshKeyTooShort = "ssh_key_too_short", 400, "RSA keys need at least 3072 bits; Ed25519 is fine too.";
    /// authorized_keys options before the key.
    SshKeyHasOptions = "ssh_key_has_options", 400, "Send the SSH key without options before it.";
    /// A key type other than ssh-ed25519 or ssh-rsa.
    SshKeyUnsupported = "ssh_key_unsupported", 400, "Only ssh-ed25519 and ssh-rsa (3072 to 16384 bits) keys are supported.";
    /// A recipient that age does not know, or too many of them.
    InvalidRecipient = "invalid_recipient", 400, "sealTo takes one to four age recipients (age1...) or SSH public keys.";
    /// Not 64 lowercase hex digits.
    InvalidAccessHash = "invalid_access_hash", 400, "accessHash is the SHA-256 of your access token, as 64 lowercase hex digits.";
    /// An empty, overlong or multi-line refund address.
    InvalidRefundAddress = "invalid_refund_address", 400, "A refund address is a Lightning Address, an LNURL or a BOLT11 invoice, reachable by https on the public internet.";
    /// Not a number of hours that can be bought.
    InvalidHours = "invalid_hours", 400, "hours is a whole number from 1 to the most that is sold at once: maxHours in GET /api/catalogue, and in an order's extension.";
    /// Not 16 to 128 characters of base64url.
    InvalidNonce = "invalid_nonce", 400, "A nonce is 16 to 128 letters, digits, - or _.";
    /// Not an endpoint of a push service that the operator names.
    InvalidPushEndpoint = "invalid_push_endpoint", 400, "endpoint is the https address that a browser's own push service gave for this device.";
    /// Unknown id, wrong token or wrong signature, indistinguishably.
    NotFound = "not_found", 404, "There is nothing here, or your token or signature does not open it.";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "This path does not take that method.";
    /// The order id is in use with another body.
    OrderExists = "order_exists", 409, "This order id is in use with another body; choose another id.";
    /// There is no bundle yet.
    NotReady = "not_ready", 409, "The machine is not ready yet; nothing was claimed.";
    /// Another nonce has claimed the bundle.
    ClaimedElsewhere = "claimed_elsewhere", 409, "The credentials were claimed with another nonce. If that was not you, treat the machine as lost.";
    /// A machine's nonce did not rise.
    NonceNotRising = "nonce_not_rising", 409, "The nonce must be higher than every one before it.";
    /// Another key has paired with this token.
    AlreadyPaired = "already_paired", 409, "Another machine key has used this pairing token.";
    /// A different bundle was stored before.
    AlreadyDelivered = "already_delivered", 409, "Another bundle was delivered before; the first one stands.";
    /// The order has no running machine, or one without an end.
    NotExtendable = "not_extendable", 409, "There is no running machine here that more hours could be bought for.";
    /// The order has no running machine.
    NotRunning = "not_running", 409, "There is no running machine here that could be ended.";
    /// The order has no machine to pair with.
    NotPairable = "not_pairable", 409, "Only a machine that was delivered and runs can be paired again.";
    /// The invoice did not run out.
    NotRenewable = "not_renewable", 409, "Only an order whose invoice ran out unpaid can get a new invoice.";
    /// As many devices as one order tells.
    TooManySubscriptions = "too_many_subscriptions", 409, "This order tells five devices already; remove one of them first.";
    /// No `VAPID_PRIVATE_KEY`.
    NoNotifications = "no_notifications", 409, "This shop sends no notifications; keep the order's page open instead.";
    /// A refund is on its way to the address that was given before.
    RefundUnderWay = "refund_under_way", 409, "A refund is on its way to the address you gave before; wait for its end.";
    /// The bundle was acknowledged, or its 24 hours are over.
    BundleErased = "bundle_erased", 410, "The credentials were handed over and erased.";
    /// A body over the limit.
    BodyTooLarge = "body_too_large", 413, "The body is too large.";
    /// Not a WebSocket request.
    UpgradeRequired = "upgrade_required", 426, "This path speaks WebSocket only.";
    /// This address has too many unpaid orders, or made too many in a minute.
    TooManyOrders = "too_many_orders", 429, "There are too many unpaid orders from your network right now; pay or wait for one to run out.";
    /// Too many requests.
    TooManyRequests = "too_many_requests", 429, "Too many requests; wait a moment and try again.";
    /// The fleet has no place left.
    NoCapacity = "no_capacity", 503, "There is no room for another machine in this region right now; nothing was ordered, try another region.";
    /// The cloud has not told the machine's address yet.
    TooEarly = "too_early", 503, "The machine's address is not known yet; try again in some seconds.";
    /// LNbits cannot make an invoice now.
    LightningUnavailable = "lightning_unavailable", 503, "The Lightning service does not answer as it should; nothing was ordered, try again in a minute.";
    /// Anything unexpected on our side.
    TemporarilyUnavailable = "temporarily_unavailable", 503, "Something went wrong on our side; nothing was lost, try again in a minute.";
}

/// A refusal on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// What clients branch on.
    pub code: ErrorCode,
    /// What people read.
    pub message: String,
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: code.message().to_owned(),
        }
    }
}

/// The body of every answer that refuses: `{"error": {"code", "message"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The refusal.
    pub error: ApiError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sentences_end() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code:?}");
            assert!(code.message().ends_with('.'), "{code:?}");
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
