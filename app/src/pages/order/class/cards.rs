//! The cards of a class.

use crate::pages::order::Order;
use crate::pages::order::claim::Claim;
use kindling_domain::classroom::Classroom;
use leptos::prelude::*;

/// The cards, once they are claimed.
pub fn cards(_order: Order, _claim: Claim, _class: Classroom) -> AnyView {
    ().into_any()
}
