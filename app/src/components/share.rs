//! The system's share sheet, where the browser has one: how a key gets from a phone's browser into the app that uses it.

use crate::components::download::Trouble;
use crate::components::one_window::OneWindow;
use crate::words::copy as words;
use js_sys::{Array, Object, Promise, Reflect};
use kindling_domain::secret::Secret;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    type Sharing;
    #[wasm_bindgen(method, catch, js_name = canShare)]
    fn can_share(this: &Sharing, what: &Object) -> Result<bool, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn share(this: &Sharing, what: &Object) -> Result<Promise, JsValue>;

    type File;
    #[wasm_bindgen(constructor, catch)]
    fn new(parts: &Array, name: &str, options: &Object) -> Result<File, JsValue>;
}

/// What is handed to the sheet.
pub enum Shared {
    /// As words of a message.
    Text(Secret),
    /// As a file. Its name should end in `.txt`: browsers share files only with endings they know.
    File(String, Secret),
}

impl Shared {
    fn data(&self) -> Result<Object, JsValue> {
        let data = Object::new();
        // Opened for the sheet that the person asked for.
        match self {
            Self::Text(text) => Reflect::set(&data, &"text".into(), &text.expose().into())?,
            Self::File(name, content) => {
                let options = Object::new();
                Reflect::set(&options, &"type".into(), &"text/plain".into())?;
                let file = File::new(&Array::of1(&content.expose().into()), name, &options)?;
                Reflect::set(&data, &"files".into(), &Array::of1(&file))?
            }
        };
        Ok(data)
    }

    /// Whether this browser shares such things; of the content only the kind matters.
    pub fn is_possible(&self) -> bool {
        let sharing = window().navigator().unchecked_into::<Sharing>();
        let data = self.data();
        // Throws where there is no sheet at all.
        data.is_ok_and(|data| sharing.can_share(&data).unwrap_or(false))
    }

    /// Opens the sheet.
    async fn hand_on(&self) -> End {
        let sharing = window().navigator().unchecked_into::<Sharing>();
        let opened = self.data().and_then(|data| sharing.share(&data));
        let shared = match opened {
            Ok(promise) => JsFuture::from(promise).await,
            Err(error) => Err(error),
        };
        match shared {
            Ok(_) => End::Shared,
            Err(error) if was_closed(&error) => End::Closed,
            Err(_) => End::Failed,
        }
    }
}

/// What became of the sheet.
enum End {
    Shared,
    /// The person has changed their mind, which is no trouble.
    Closed,
    Failed,
}

fn was_closed(error: &JsValue) -> bool {
    let name = Reflect::get(error, &"name".into()).ok();
    name.and_then(|name| name.as_string()).as_deref() == Some("AbortError")
}

/// The button; nothing where what is like `sample` cannot be shared. What is shared is made by `make` after the click only;
/// `on_done` hears when it was shared.
pub fn share_button<M, F>(
    label: &'static str,
    sample: &Shared,
    on_done: Option<Callback<()>>,
    make: M,
) -> AnyView
where
    M: Fn() -> F + 'static,
    F: Future<Output = Result<Shared, String>> + 'static,
{
    if !sample.is_possible() {
        return ().into_any();
    }
    let sheet = OneWindow::default();
    let trouble = RwSignal::new(None::<String>);
    let share = move |_| {
        // What is shared may take a slow phone a while.
        if !sheet.open() {
            return;
        }
        trouble.set(None);
        let made = make();
        spawn_local(async move {
            let why = match made.await {
                Ok(shared) => match shared.hand_on().await {
                    End::Shared => {
                        if let Some(tell) = on_done {
                            tell.run(());
                        }
                        None
                    }
                    End::Closed => None,
                    End::Failed => Some(words::share_failed().to_owned()),
                },
                Err(sentence) => Some(sentence),
            };
            sheet.closed();
            // The person may have moved on meanwhile.
            let _ = trouble.try_set(why);
        });
    };
    view! {
        <button type="button" class="button small" aria-disabled=move || sheet.disabled() on:click=share>{label}</button>
        <Trouble of=trouble/>
    }
    .into_any()
}
