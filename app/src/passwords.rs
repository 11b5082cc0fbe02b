//! The browser's own password manager, where it speaks to pages (`PasswordCredential`: Chromium). What it is given stays in the browser.

use js_sys::{Function, Object, Promise, Reflect};
use kindling_domain::secret::Secret;
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Whether there is one that can be asked.
pub fn present() -> bool {
    // Elsewhere than in a secure context the constructor is there, but nothing to give its work to.
    window().is_secure_context() && constructor().is_some() && credentials().is_some()
}

/// Offers to save what opens an order. It comes back once the browser has heard, which is not when the person has decided.
pub async fn store(id: &str, name: &str, password: &Secret) {
    let offer = || -> Option<Promise> {
        let data = Object::new();
        // Opened for the manager, whose business passwords are.
        for (key, value) in [("id", id), ("name", name), ("password", password.expose())] {
            Reflect::set(&data, &key.into(), &value.into()).ok()?;
        }
        let arguments = js_sys::Array::of1(&data);
        let credential = Reflect::construct(&constructor()?, &arguments).ok()?;
        call("store", &credential)
    };
    if let Some(promise) = offer() {
        // Refused or not: the form is submitted all the same, and other managers read that.
        let _ = JsFuture::from(promise).await;
    }
}

/// Asks for a saved order: its id and the secret part of its link. `None` where there is none, or the person chose none.
pub async fn saved() -> Option<(String, Secret)> {
    let options = Object::new();
    Reflect::set(&options, &"password".into(), &true.into()).ok()?;
    Reflect::set(&options, &"mediation".into(), &"optional".into()).ok()?;
    let credential = JsFuture::from(call("get", &options)?).await.ok()?;
    let read = |name: &str| Reflect::get(&credential, &name.into()).ok()?.as_string();
    Some((read("id")?, Secret::new(read("password")?)))
}

fn constructor() -> Option<Function> {
    Reflect::get(&window(), &"PasswordCredential".into())
        .ok()?
        .dyn_into()
        .ok()
}

fn credentials() -> Option<JsValue> {
    Reflect::get(&window().navigator(), &"credentials".into())
        .ok()
        .filter(JsValue::is_object)
}

fn call(method: &str, argument: &JsValue) -> Option<Promise> {
    let credentials = credentials()?;
    let method: Function = Reflect::get(&credentials, &method.into())
        .ok()?
        .dyn_into()
        .ok()?;
    method.call1(&credentials, argument).ok()?.dyn_into().ok()
}
