//! The teacher's branding: title, date and logo. It stays in this browser, and is on every card.

use super::{kept, strip};
use crate::browser::focus;
use crate::components::field_error::FieldError;
use crate::figures::number;
use crate::vault_protocol::Picture;
use crate::words::class_cards as words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use js_sys::Uint8Array;
use kindling_domain::id::OrderId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlImageElement, HtmlInputElement, Url};

const TITLE: &str = "class-title";
const TITLE_ERROR: &str = "class-title-error";
const DATE: &str = "class-date";
const DATE_ERROR: &str = "class-date-error";
const TITLE_SIGNS: usize = 80;
const DATE_SIGNS: usize = 40;
const LOGO_KIB: u64 = 512;
/// The picture is drawn when typing pauses.
const PAUSE: Duration = Duration::from_millis(200);

/// Title and date as they are kept.
#[derive(Default, Serialize, Deserialize)]
struct Words {
    title: String,
    date: String,
}

/// The branding.
#[derive(Clone, Copy)]
pub struct Brand {
    id: OrderId,
    title: RwSignal<String>,
    title_trouble: RwSignal<Option<String>>,
    date: RwSignal<String>,
    date_trouble: RwSignal<Option<String>>,
    logo: RwSignal<Option<HtmlImageElement>, LocalStorage>,
    logo_trouble: RwSignal<Option<String>>,
    /// The picture on top of each card, as the address of a blob; none where there is no branding.
    pub strip: RwSignal<Option<String>>,
    round: StoredValue<u32>,
}

impl Brand {
    /// The branding as it was left in this browser.
    pub fn new(id: OrderId) -> Self {
        let kept: Words = kept::read(&id, kept::BRAND)
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let brand = Self {
            id,
            title: RwSignal::new(kept.title),
            title_trouble: RwSignal::new(None),
            date: RwSignal::new(kept.date),
            date_trouble: RwSignal::new(None),
            logo: RwSignal::new_local(None),
            logo_trouble: RwSignal::new(None),
            strip: RwSignal::new(None),
            round: StoredValue::new(0),
        };
        if let Some(address) = kept::read(&id, kept::LOGO) {
            spawn_local(async move {
                let _ = brand.logo.try_set(decode(&address).await);
            });
        }
        brand.follow();
        on_cleanup(move || brand.show(None));
        brand
    }

    /// Nothing is wrong with it; otherwise the focus goes to what is.
    pub fn is_good(self) -> bool {
        for (trouble, id) in [(self.title_trouble, TITLE), (self.date_trouble, DATE)] {
            if trouble.with_untracked(Option::is_some) {
                crate::browser::unfold(id);
                return false;
            }
        }
        true
    }

    /// The picture's pixels, for the PDF; none where there is no branding.
    pub fn pixels(self) -> Result<Option<Picture>, String> {
        if self.is_empty() {
            return Ok(None);
        }
        let pixels = self.draw().and_then(|canvas| strip::to_pixels(&canvas));
        pixels
            .map(Some)
            .ok_or_else(|| words::no_pixels().to_owned())
    }

    fn is_empty(self) -> bool {
        let is_blank = |text: RwSignal<String>| text.with_untracked(|text| text.trim().is_empty());
        is_blank(self.title) && is_blank(self.date) && self.logo.with_untracked(Option::is_none)
    }

    fn draw(self) -> Option<web_sys::HtmlCanvasElement> {
        let (title, date) = (self.title.get_untracked(), self.date.get_untracked());
        self.logo
            .with_untracked(|logo| strip::draw(&title, &date, logo.as_ref()))
    }

    /// Checks, keeps and draws whatever changes.
    fn follow(self) {
        Effect::new(move |before: Option<()>| {
            let typed = Words {
                title: self.title.get(),
                date: self.date.get(),
            };
            self.logo.track();
            self.title_trouble
                .set(too_long(words::title_too_long, &typed.title, TITLE_SIGNS));
            self.date_trouble
                .set(too_long(words::date_too_long, &typed.date, DATE_SIGNS));
            if before.is_some()
                && let Ok(text) = serde_json::to_string(&typed)
            {
                // Without room the words last as long as the tab.
                let _ = kept::write(&self.id, kept::BRAND, &text);
            }
            self.round.update_value(|round| *round += 1);
            let round = self.round.get_value();
            set_timeout(
                move || {
                    if self.is_current(round) {
                        self.redraw(round);
                    }
                },
                PAUSE,
            );
        });
    }

    /// Nothing has changed since, and the page is still here.
    fn is_current(self, round: u32) -> bool {
        self.round.try_get_value() == Some(round)
    }

    fn redraw(self, round: u32) {
        let is_bad = |trouble: RwSignal<Option<String>>| trouble.with_untracked(Option::is_some);
        // What does not fit leaves the last good one on the cards.
        if is_bad(self.title_trouble) || is_bad(self.date_trouble) {
            return;
        }
        spawn_local(async move {
            let canvas = if self.is_empty() { None } else { self.draw() };
            let blob = match canvas {
                Some(canvas) => strip::to_blob(&canvas).await,
                None => None,
            };
            // A slow phone may still be at an older picture when the next one is there.
            if self.is_current(round) {
                self.show(blob.and_then(|blob| Url::create_object_url_with_blob(&blob).ok()));
            }
        });
    }

    /// Puts a picture in the place of the last one, whose memory is given back.
    fn show(self, address: Option<String>) {
        if let Some(Some(old)) = self.strip.try_get_untracked()
            && address.as_ref() != Some(&old)
        {
            let _ = Url::revoke_object_url(&old);
        }
        let _ = self.strip.try_set(address);
    }

    fn take_logo(self, file: File) {
        self.logo_trouble.set(None);
        spawn_local(async move {
            let taken = read_logo(&file).await;
            match taken {
                Ok((address, image)) => {
                    let is_kept = kept::write(&self.id, kept::LOGO, &address);
                    let _ = self.logo.try_set(Some(image));
                    let trouble = (!is_kept).then(|| {
                        kept::remove(&self.id, kept::LOGO);
                        words::logo_not_kept().to_owned()
                    });
                    let _ = self.logo_trouble.try_set(trouble);
                }
                Err(sentence) => drop(self.logo_trouble.try_set(Some(sentence))),
            }
        });
    }

    fn drop_logo(self) {
        kept::remove(&self.id, kept::LOGO);
        self.logo.set(None);
        self.logo_trouble.set(None);
        focus("class-logo");
    }
}

fn too_long(sentence: fn(u64, &str) -> String, text: &str, most: usize) -> Option<String> {
    let count = text.chars().count();
    (count > most).then(|| sentence(most as u64, &number(count as u64)))
}

/// The logo as a `data:` address, and decoded.
async fn read_logo(file: &File) -> Result<(String, HtmlImageElement), String> {
    let no_image = || words::logo_no_image().to_owned();
    if file.size() > (LOGO_KIB * 1024) as f64 {
        return Err(words::logo_too_big(&number(LOGO_KIB)));
    }
    let content = JsFuture::from(file.array_buffer())
        .await
        .map_err(|_| words::logo_unreadable())?;
    let content = Uint8Array::new(&content).to_vec();
    let kind = kind_of(&content).ok_or_else(no_image)?;
    let address = format!("data:{kind};base64,{}", STANDARD.encode(content));
    let image = decode(&address).await.ok_or_else(no_image)?;
    Ok((address, image))
}

/// By its first bytes: the name of a file says nothing.
fn kind_of(content: &[u8]) -> Option<&'static str> {
    let begins =
        |at: usize, with: &[u8]| content.get(at..).is_some_and(|rest| rest.starts_with(with));
    if begins(0, b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    if begins(0, b"\xff\xd8\xff") {
        return Some("image/jpeg");
    }
    if begins(0, b"RIFF") && begins(8, b"WEBP") {
        return Some("image/webp");
    }
    let text = std::str::from_utf8(content).ok()?;
    let is_markup = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<');
    (is_markup && text.contains("<svg")).then_some("image/svg+xml")
}

/// What the browser can really draw.
async fn decode(address: &str) -> Option<HtmlImageElement> {
    let image = HtmlImageElement::new().ok()?;
    image.set_src(address);
    JsFuture::from(image.decode()).await.ok()?;
    Some(image)
}

/// The form, folded away.
pub fn view(brand: Brand) -> AnyView {
    let has_logo = Memo::new(move |_| brand.logo.with(Option::is_some));
    let choose = move |input: HtmlInputElement| {
        if let Some(file) = input.files().and_then(|files| files.get(0)) {
            brand.take_logo(file);
        }
        // So that the same file can be chosen again once it was mended.
        input.set_value("");
    };
    view! {
        <details>
            <summary>{words::brand()}</summary>
            <div class="stack tight">
                {text_field(TITLE, TITLE_ERROR, words::brand_title(), brand.title, brand.title_trouble)}
                {text_field(DATE, DATE_ERROR, words::brand_date(), brand.date, brand.date_trouble)}
                <div class="field">
                    <label for="class-logo">{words::brand_logo()}" "<em>{words::optional()}</em></label>
                    <input
                        type="file"
                        id="class-logo"
                        accept="image/png,image/jpeg,image/svg+xml,image/webp"
                        aria-describedby="class-logo-error class-logo-hint"
                        aria-invalid=move || brand.logo_trouble.with(Option::is_some).then_some("true")
                        on:change:target=move |event| choose(event.target().unchecked_into())
                    />
                    <FieldError id="class-logo-error" trouble=brand.logo_trouble/>
                    <small id="class-logo-hint">{words::logo_hint(&number(LOGO_KIB))}</small>
                </div>
                {move || has_logo.get().then(|| view! {
                    <p><button type="button" class="button small" on:click=move |_| brand.drop_logo()>{words::logo_remove()}</button></p>
                })}
                {move || brand.strip.get().map(|address| view! {
                    <figure class="brand-preview">
                        <img src=address alt=words::brand_preview()/>
                    </figure>
                })}
            </div>
        </details>
    }
    .into_any()
}

/// A line of text that may stay empty, in whatever script.
fn text_field(
    id: &'static str,
    error: &'static str,
    name: &'static str,
    text: RwSignal<String>,
    trouble: RwSignal<Option<String>>,
) -> AnyView {
    view! {
        <div class="field">
            <label for=id>{name}" "<em>{words::optional()}</em></label>
            <input
                type="text"
                id=id
                autocomplete="off"
                dir="auto"
                aria-describedby=error
                aria-invalid=move || trouble.with(Option::is_some).then_some("true")
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
            />
            <FieldError id=error trouble=trouble/>
        </div>
    }
    .into_any()
}
