//! The pages: one module each, and an order's states below `order`.

pub mod landing;
mod my_orders;
mod nowhere;
pub mod order;
mod sign_in;

use crate::frame;
use crate::router::{Route, Router};
use leptos::prelude::*;
use my_orders::MyOrders;
use nowhere::Nowhere;
use order::OrderPage;
use sign_in::SignIn;

/// The page that the address means, of all but the first.
pub fn routed() -> AnyView {
    frame::dress();
    let router = Router::start();
    provide_context(router);
    (move || match router.route() {
        Route::SignIn { id } => view! { <MyOrders beside=id.clone()/> <SignIn id=id/> }.into_any(),
        Route::Order {
            id,
            fragment,
            saved,
        } => view! { <OrderPage id=id fragment=fragment saved=saved/> }.into_any(),
        Route::Nowhere => view! { <Nowhere/> }.into_any(),
    })
    .into_any()
}
