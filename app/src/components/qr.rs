//! A QR code on its own white ground, whatever the colours around it: many scanners do not read inverted codes.

use crate::vault_protocol::QrCode;
use leptos::prelude::*;

/// Draws what the vault computed.
#[component]
pub fn Qr(code: QrCode, #[prop(into)] label: String) -> impl IntoView {
    let size = code.size;
    view! {
        <svg class="qr" viewBox=format!("0 0 {size} {size}") role="img" aria-label=label shape-rendering="crispEdges">
            <rect width=size height=size fill="#fff"></rect>
            <path d=code.path fill="#000"></path>
        </svg>
    }
    .into_any()
}
