//! JSON by the browser's own parser and writer, which are there already.

use js_sys::{Array, JSON, Reflect};
use kindling_domain::wire::lean::{Json, Lean};
use wasm_bindgen::{JsCast, JsValue};

struct Parsed(JsValue);

impl Json for Parsed {
    fn field(&self, name: &str) -> Option<Self> {
        // Fails on what is no object.
        let value = Reflect::get(&self.0, &name.into()).ok()?;
        (!value.is_null() && !value.is_undefined()).then_some(Self(value))
    }

    fn items(&self) -> Option<Vec<Self>> {
        Some(self.0.dyn_ref::<Array>()?.iter().map(Self).collect())
    }

    fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    fn flag(&self) -> Option<bool> {
        self.0.as_bool()
    }
}

/// What a text says, where it says that.
pub fn read<T: Lean>(text: &str) -> Option<T> {
    T::read(&Parsed(JSON::parse(text).ok()?))
}
