//! A class as its machine last told of it.

use crate::pages::order::Order;
use kindling_domain::classroom::Classroom;
use leptos::prelude::*;

/// The picture and what it says in words.
pub fn live(_order: Order, _class: Classroom) -> AnyView {
    ().into_any()
}
