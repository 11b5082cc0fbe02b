//! The frame around every page: header, footer, the live region, and which page the address means.

use crate::announce::{Announcer, LiveRegion};
use crate::components::link::Link;
use crate::components::logo::Logo;
use crate::pages::{landing::Landing, nowhere::Nowhere, order::OrderPage, sign_in::SignIn};
use crate::router::{Route, Router};
use crate::shop::Shop;
use leptos::prelude::*;

/// The whole app.
#[component]
pub fn App() -> impl IntoView {
    let router = Router::start();
    provide_context(router);
    provide_context(Announcer::default());
    provide_context(Shop::open());
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <header class="site-header">
            <Link href="/".to_owned() class="brand">
                <Logo/>
                "Kindling"
            </Link>
            <nav aria-label="Site">
                <Link href="/orders".to_owned()>"Open an order link"</Link>
            </nav>
        </header>
        <main id="main" tabindex="-1">
            {move || match router.route() {
                Route::Landing => view! { <Landing/> }.into_any(),
                Route::SignIn { id } => view! { <SignIn id=id/> }.into_any(),
                Route::Order { id, fragment, saved } => {
                    view! { <OrderPage id=id fragment=fragment saved=saved/> }.into_any()
                }
                Route::Nowhere => view! { <Nowhere/> }.into_any(),
            }}
        </main>
        <footer class="site-footer">
            <p>"No account, no cookies, no trackers. Your keys stay in your browser."</p>
        </footer>
        <LiveRegion/>
    }
}
