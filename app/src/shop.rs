//! The catalogue as the server told it, asked once and shared by the pages.

use crate::api::{self, Failure};
use kindling_domain::wire::{Catalogue, ProductView};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen_futures::spawn_local;

/// The catalogue; found by `use_context`.
#[derive(Clone, Copy)]
pub struct Shop {
    catalogue: RwSignal<Option<Result<Arc<Catalogue>, Failure>>>,
}

impl Shop {
    /// Starts asking.
    pub fn open() -> Self {
        let shop = Self {
            catalogue: RwSignal::new(None),
        };
        shop.ask();
        shop
    }

    /// Asks (again).
    pub fn ask(self) {
        self.catalogue.set(None);
        spawn_local(async move {
            let answer = api::catalogue().await.map(Arc::new);
            self.catalogue.set(Some(answer));
        });
    }

    /// Asks again and shows what is there meanwhile; if that does not work, it stays.
    pub fn refresh(self) {
        spawn_local(async move {
            if let Ok(catalogue) = api::catalogue().await {
                self.catalogue.set(Some(Ok(Arc::new(catalogue))));
            }
        });
    }

    /// The catalogue once it is here.
    pub fn catalogue(self) -> Option<Arc<Catalogue>> {
        self.catalogue
            .with(|answer| answer.as_ref()?.as_ref().ok().cloned())
    }

    /// The full node as it is sold now.
    pub fn full_node(self) -> Option<ProductView> {
        self.product("full_node")
    }

    /// The classroom as it is sold now.
    pub fn classroom(self) -> Option<ProductView> {
        self.product("classroom")
    }

    /// Whether classes are sold. Before the catalogue is here most likely they are.
    pub fn sells_classes(self) -> bool {
        self.catalogue.with(|answer| !matches!(answer, Some(Ok(_)))) || self.classroom().is_some()
    }

    fn product(self, kind: &str) -> Option<ProductView> {
        let catalogue = self.catalogue()?;
        let mut products = catalogue.products.iter();
        products.find(|product| product.kind == kind).cloned()
    }

    /// Why there is no catalogue.
    pub fn failure(self) -> Option<Failure> {
        self.catalogue
            .with(|answer| answer.as_ref()?.as_ref().err().cloned())
    }
}

/// The shop of the app.
pub fn shop() -> Shop {
    use_context().unwrap_or_else(Shop::open)
}
