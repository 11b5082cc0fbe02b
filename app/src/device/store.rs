//! IndexedDB, as far as it is needed: text by name, in two stores. Every call opens the database and closes it again, so that no tab is in the
//! way of another.

use futures_channel::oneshot;
use leptos::prelude::window;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

const DATABASE: &str = "kindling";
const VERSION: u32 = 1;

/// What there is a place for.
#[derive(Clone, Copy)]
pub enum Store {
    /// Orders, by their id.
    Orders,
    /// Where this device is told of an order, by its id.
    Bells,
}

impl Store {
    const ALL: [Self; 2] = [Self::Orders, Self::Bells];

    const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Bells => "bells",
        }
    }
}

/// A private window or a full disk, most likely. Nothing of it helps the person.
type Answer<T> = Result<T, JsValue>;

/// One text.
pub async fn read(store: Store, name: &str) -> Answer<Option<String>> {
    let open = Open::new(store, IdbTransactionMode::Readonly).await?;
    let text = answer(&open.store.get(&name.into())?).await?;
    Ok(text.as_string())
}

/// All texts, by their names.
pub async fn read_all(store: Store) -> Answer<Vec<String>> {
    let open = Open::new(store, IdbTransactionMode::Readonly).await?;
    let texts = answer(&open.store.get_all()?).await?;
    let texts: js_sys::Array = texts.unchecked_into();
    Ok(texts.iter().filter_map(|text| text.as_string()).collect())
}

/// Writes, over what there was.
pub async fn write(store: Store, name: &str, text: &str) -> Answer<()> {
    let open = Open::new(store, IdbTransactionMode::Readwrite).await?;
    let put = open.store.put_with_key(&text.into(), &name.into())?;
    answer(&put).await.map(drop)
}

/// Changes what is there, in one transaction: what another tab removes at that moment does not come back.
pub async fn change(
    store: Store,
    name: &str,
    new: impl FnOnce(&str) -> Option<String>,
) -> Answer<()> {
    let open = Open::new(store, IdbTransactionMode::Readwrite).await?;
    let old = answer(&open.store.get(&name.into())?).await?;
    if let Some(new) = old.as_string().and_then(|old| new(&old)) {
        let put = open.store.put_with_key(&new.into(), &name.into())?;
        answer(&put).await?;
    }
    Ok(())
}

/// Removes one.
pub async fn remove(store: Store, name: &str) -> Answer<()> {
    let open = Open::new(store, IdbTransactionMode::Readwrite).await?;
    answer(&open.store.delete(&name.into())?).await.map(drop)
}

/// Removes all.
pub async fn clear(store: Store) -> Answer<()> {
    let open = Open::new(store, IdbTransactionMode::Readwrite).await?;
    answer(&open.store.clear()?).await.map(drop)
}

struct Open {
    database: IdbDatabase,
    store: IdbObjectStore,
}

impl Open {
    async fn new(store: Store, mode: IdbTransactionMode) -> Answer<Self> {
        let factory = window().indexed_db()?.ok_or(JsValue::NULL)?;
        let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, VERSION)?;
        let opening = request.clone();
        let make = Closure::once(move || -> Answer<()> {
            let database: IdbDatabase = opening.result()?.unchecked_into();
            for store in Store::ALL {
                database.create_object_store(store.name())?;
            }
            Ok(())
        });
        request.set_onupgradeneeded(Some(make.as_ref().unchecked_ref()));
        let database: IdbDatabase = answer(&request).await?.unchecked_into();
        let transaction = database.transaction_with_str_and_mode(store.name(), mode)?;
        let store = transaction.object_store(store.name())?;
        Ok(Self { database, store })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Waits for its transactions by itself.
        self.database.close();
    }
}

/// Waits for a request. Its transaction stays open until the code behind the waiting has run.
async fn answer(request: &IdbRequest) -> Answer<JsValue> {
    let (tell, told) = oneshot::channel();
    let done = Closure::once(move || {
        // Nobody waits any more where the page has moved on.
        let _ = tell.send(());
    });
    let listener: &js_sys::Function = done.as_ref().unchecked_ref();
    request.set_onsuccess(Some(listener));
    request.set_onerror(Some(listener));
    told.await.map_err(|_| JsValue::NULL)?;
    match request.error()? {
        Some(error) => Err(error.into()),
        None => request.result(),
    }
}
