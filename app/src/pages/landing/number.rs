//! A field for a whole number. It is a text field, because a number field hides from the page what is no number, and so loses it.

use crate::components::field_error::FieldError;
use leptos::prelude::*;
use std::ops::RangeInclusive;

/// The field.
#[derive(Clone, Copy)]
pub struct Number {
    /// Its element's id.
    pub id: &'static str,
    error_id: &'static str,
    /// What stands in it.
    pub text: RwSignal<String>,
    /// Why that was refused.
    pub trouble: RwSignal<Option<String>>,
}

impl Number {
    /// A field with something in it. `error_id` is where its trouble is said.
    pub fn new(id: &'static str, error_id: &'static str, first: impl ToString) -> Self {
        Self {
            id,
            error_id,
            text: RwSignal::new(first.to_string()),
            trouble: RwSignal::new(None),
        }
    }

    /// What stands in it, where that is a number in this range.
    pub fn read(self, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.text.with(|text| text.trim().parse().ok())?;
        range.contains(&number).then_some(number)
    }

    /// Whether nothing stands in it.
    pub fn is_empty(self) -> bool {
        self.text.with(|text| text.trim().is_empty())
    }

    /// Puts another number there.
    pub fn put(self, text: impl ToString) {
        self.text.set(text.to_string());
        self.trouble.set(None);
    }

    /// The element. `described_by`: the ids of what explains it.
    pub fn input(self, described_by: &'static str) -> AnyView {
        view! {
            <input
                type="text"
                class="number"
                id=self.id
                inputmode="numeric"
                autocomplete="off"
                maxlength="20"
                aria-describedby=format!("{} {described_by}", self.error_id)
                aria-invalid=move || self.trouble.with(Option::is_some).then_some("true")
                prop:value=self.text
                on:input:target=move |event| self.put(event.target().value())
            />
        }
        .into_any()
    }

    /// Its trouble, in a sentence.
    pub fn error(self) -> AnyView {
        view! { <FieldError id=self.error_id trouble=self.trouble/> }.into_any()
    }
}
