//! All cards at once: what their codes hold, which of them are looked for, and who has them.

use super::brand::{self, Brand};
use super::paper;
use super::{kept, slip};
use crate::announce::announcer;
use crate::browser::focus;
use crate::components::changing::soon;
use crate::components::field_error::FieldError;
use crate::components::notice::{Notice, Tone};
use crate::components::segments::Segments;
use crate::figures::number;
use crate::pages::order::Order;
use crate::vault_client;
use crate::vault_protocol::QrCode;
use crate::words::{class_cards as words, common};
use kindling_domain::secret::Secret;
use kindling_domain::wire::{CertificateKind, ClassNode, ClassroomBundle};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

/// So many codes are drawn before the page may do something else.
const AT_ONCE: usize = 4;
/// So many cards are shown before the person asks for all.
const AT_FIRST: usize = 12;
/// The list of all cards takes the focus from buttons that go away.
pub const LIST: &str = "cards-list";

/// What a card's QR code holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A link that opens Clams.
    Connect,
    /// A link that adds the node to Clams Remote.
    Wallet,
    /// The address and the rune.
    Plain,
}

impl Form {
    fn all() -> Vec<(Self, &'static str)> {
        vec![
            (Self::Connect, words::form_connect()),
            (Self::Wallet, words::form_wallet()),
            (Self::Plain, words::form_plain()),
        ]
    }

    /// What a participant does with it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Connect => words::hint_connect(),
            Self::Wallet => words::hint_wallet(),
            Self::Plain => words::hint_plain(),
        }
    }
}

/// What is kept of a card here.
#[derive(Default, Serialize, Deserialize)]
struct Mark {
    taken: bool,
    note: String,
}

/// One card.
#[derive(Clone, Copy)]
pub struct Card {
    /// Its place in the list.
    pub index: usize,
    /// Somebody has it.
    pub taken: RwSignal<bool>,
    /// Who.
    pub note: RwSignal<String>,
    /// Its code, once drawn.
    pub code: RwSignal<Option<QrCode>>,
    /// It is what the person looks for.
    pub is_wanted: Memo<bool>,
}

/// All cards.
#[derive(Clone, Copy)]
pub struct Deck {
    /// Whose they are.
    pub order: Order,
    /// The class is over, and its nodes are gone.
    is_over: bool,
    /// What was opened.
    pub bundle: StoredValue<ClassroomBundle>,
    /// In the order of the nodes.
    pub cards: StoredValue<Vec<Card>>,
    /// What the codes hold.
    pub form: RwSignal<Form>,
    /// What all cards bear on top.
    pub brand: Brand,
    /// The card that is shown large.
    pub enlarged: RwSignal<Option<usize>>,
    drawn: RwSignal<usize>,
    trouble: RwSignal<Option<String>>,
    search: RwSignal<String>,
    free_only: RwSignal<bool>,
    unfolded: RwSignal<bool>,
}

impl Deck {
    /// The cards of an opened bundle, as they were left in this browser. Their codes are drawn from now on.
    pub fn new(order: Order, bundle: ClassroomBundle, is_over: bool) -> Self {
        let marks: Vec<Mark> = kept::read(&order.id(), kept::MARKS)
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let mut marks = marks.into_iter();
        let search = RwSignal::new(String::new());
        let free_only = RwSignal::new(false);
        let names = bundle
            .classroom
            .nodes
            .iter()
            .map(|node| node.name.to_lowercase());
        let cards = names.enumerate().map(|(index, name)| {
            let Mark { taken, note } = marks.next().unwrap_or_default();
            let (taken, note) = (RwSignal::new(taken), RwSignal::new(note));
            let number = (index + 1).to_string();
            Card {
                index,
                taken,
                note,
                code: RwSignal::new(None),
                is_wanted: Memo::new(move |_| {
                    let wanted = search.get().trim().to_lowercase();
                    let is_found = wanted.is_empty()
                        || number == wanted
                        || name.contains(&wanted)
                        || note.with(|note| note.to_lowercase().contains(&wanted));
                    is_found && !(free_only.get() && taken.get())
                }),
            }
        });
        let deck = Self {
            order,
            is_over,
            cards: StoredValue::new(cards.collect()),
            bundle: StoredValue::new(bundle),
            form: RwSignal::new(Form::Connect),
            brand: Brand::new(order.id()),
            enlarged: RwSignal::new(None),
            drawn: RwSignal::new(0),
            trouble: RwSignal::new(None),
            search,
            free_only,
            unfolded: RwSignal::new(false),
        };
        deck.keep_marks();
        Effect::new(move || deck.draw(deck.form.get()));
        deck
    }

    /// Something of a node.
    pub fn node<T>(self, index: usize, read: impl Fn(&ClassNode) -> T) -> Option<T> {
        self.bundle
            .with_value(|bundle| bundle.classroom.nodes.get(index).map(read))
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.cards.with_value(Vec::len)
    }

    /// The cards that the person looks for.
    pub fn wanted(self) -> Vec<Card> {
        let cards = self.cards.get_value();
        cards
            .into_iter()
            .filter(|card| card.is_wanted.get())
            .collect()
    }

    /// All codes are there.
    pub fn is_drawn(self) -> bool {
        self.drawn.get() == self.count()
    }

    /// What a card's code holds.
    pub fn text(self, index: usize, form: Form) -> Secret {
        let text = self.bundle.with_value(|bundle| {
            let node = bundle.classroom.nodes.get(index)?;
            Some(match form {
                Form::Connect => node.connect.clone(),
                Form::Wallet => node.wallet.clone(),
                // Opened to be put together; it stays a secret.
                Form::Plain => {
                    Secret::new(format!("{}\n{}", address(bundle, node), node.rune.expose()))
                }
            })
        });
        text.unwrap_or_else(|| Secret::new(""))
    }

    /// Where a participant's browser has to accept the certificate first, and what it must be; `None` where browsers know it, and
    /// where there is nothing to open any more.
    pub fn pinned(self, index: usize) -> Option<(String, String)> {
        self.bundle.with_value(|bundle| {
            let class = &bundle.classroom;
            let node = class.nodes.get(index)?;
            let is_asked = class.certificate.kind == CertificateKind::Pinned && !self.is_over;
            is_asked.then(|| {
                (
                    format!("https://{}:{}", class.host, node.port),
                    class.certificate.sha256.clone(),
                )
            })
        })
    }

    fn draw(self, form: Form) {
        let cards = self.cards.get_value();
        for card in &cards {
            if card.code.with_untracked(Option::is_some) {
                card.code.set(None);
            }
        }
        self.drawn.set(0);
        self.trouble.set(None);
        spawn_local(async move {
            for some in cards.chunks(AT_ONCE) {
                let texts = some
                    .iter()
                    .map(|card| self.text(card.index, form))
                    .collect();
                let answer = vault_client::draw_codes(texts).await;
                // The person may have moved on, or chosen another form.
                if self.form.try_get_untracked() != Some(form) {
                    return;
                }
                match answer {
                    Ok(codes) => {
                        for (card, code) in some.iter().zip(codes) {
                            if card.code.with_untracked(Option::is_none) {
                                card.code.set(Some(code));
                            }
                        }
                        let is_drawn = |card: &&Card| card.code.with_untracked(Option::is_some);
                        self.drawn.set(cards.iter().filter(is_drawn).count());
                    }
                    Err(trouble) => return self.trouble.set(Some(trouble.sentence())),
                }
            }
        });
    }

    /// Writes down who has which card, whenever that changes.
    fn keep_marks(self) {
        Effect::new(move |before: Option<()>| {
            let cards = self.cards.get_value();
            let mark = |card: &Card| Mark {
                taken: card.taken.get(),
                note: card.note.get(),
            };
            let marks: Vec<Mark> = cards.iter().map(mark).collect();
            if before.is_some()
                && let Ok(text) = serde_json::to_string(&marks)
            {
                // Without room the marks last as long as the tab.
                let _ = kept::write(&self.order.id(), kept::MARKS, &text);
            }
        });
    }

    fn taken_text(self) -> String {
        let cards = self.cards.get_value();
        let taken = cards.iter().filter(|card| card.taken.get()).count();
        words::taken_count(taken as u64, &number(cards.len() as u64))
    }
}

/// `PUBKEY@HOST:PORT`
pub fn address(bundle: &ClassroomBundle, node: &ClassNode) -> String {
    format!(
        "{}@{}:{}",
        node.public_key, bundle.classroom.host, node.port
    )
}

/// All cards with what is above them.
pub fn view(deck: Deck) -> AnyView {
    let announcer = announcer();
    let taken = Memo::new(move |_| deck.taken_text());
    Effect::new(move |before: Option<()>| {
        let taken = taken.get();
        if before.is_some() {
            announcer.say(taken);
        }
    });
    let none_found = Memo::new(move |_| deck.wanted().is_empty());
    Effect::new(move |before: Option<()>| {
        let sentence = if none_found.get() {
            words::none_found()
        } else {
            ""
        };
        if before.is_some() {
            // Silent once some are found, so that it is said again the next time.
            announcer.say(sentence);
        }
    });
    let draw_again = move || {
        deck.draw(deck.form.get_untracked());
        focus(LIST);
    };
    // The first of those that were folded away.
    let unfold = move || {
        deck.unfolded.set(true);
        soon(|| focus(&slip::code_id(AT_FIRST)));
    };
    let cards = deck.cards.get_value();
    let folds = move |index: usize| {
        let is_whole = deck.search.with(String::is_empty) && !deck.free_only.get();
        index >= AT_FIRST && is_whole && !deck.unfolded.get()
    };
    let is_long = deck.count() > AT_FIRST;
    let hidden_some = Memo::new(move |_| is_long && folds(AT_FIRST));
    view! {
        {certificate_notice(deck)}
        {brand::view(deck.brand)}
        <div class="deck-tools">
            <label class="field deck-search">
                <span>{words::search()}</span>
                <input
                    type="search"
                    autocomplete="off"
                    dir="auto"
                    placeholder=words::search_hint()
                    prop:value=deck.search
                    on:input:target=move |event| deck.search.set(event.target().value())
                />
            </label>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=deck.free_only
                    on:change:target=move |event| deck.free_only.set(event.target().checked())
                />
                <span>{words::free_only()}</span>
            </label>
            <p class="deck-count">{taken}</p>
        </div>
        <Segments legend=words::form_legend() name="card-form" chosen=deck.form choices=Form::all() class="segments deck-form"/>
        {paper::buttons(deck)}
        <FieldError id="cards-error" trouble=deck.trouble/>
        {move || deck.trouble.with(Option::is_some).then(|| view! {
            <p>
                <button type="button" class="button small" on:click=move |_| draw_again()>{common::try_again()}</button>
            </p>
        })}
        <ul class="slips" id=LIST tabindex="-1" aria-label=words::list() class:long=is_long>
            {cards.into_iter().map(|card| slip::view(deck, card, move || folds(card.index))).collect_view()}
        </ul>
        {move || none_found.get().then(|| view! { <p class="muted">{words::none_found()}</p> })}
        {move || hidden_some.get().then(|| view! {
            <button type="button" class="button" on:click=move |_| unfold()>
                {words::show_all(deck.count() as u64)}
            </button>
        })}
        {slip::enlarged(deck)}
    }
    .into_any()
}

fn certificate_notice(deck: Deck) -> Option<AnyView> {
    deck.pinned(0).map(|(_, fingerprint)| {
        view! {
            <Notice tone=Tone::Info title=words::certificate_title()>
                <p>{words::certificate()}</p>
                <code class="fingerprint" dir="ltr">{grouped_hex(&fingerprint)}</code>
            </Notice>
        }
        .into_any()
    })
}

/// Hex as browsers show fingerprints: `AB:CD:…`
pub fn grouped_hex(hex: &str) -> String {
    let digits: Vec<char> = hex.to_ascii_uppercase().chars().collect();
    let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
    pairs.join(":")
}
