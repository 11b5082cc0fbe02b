//! A field for a whole number. It is a text field, because a number field hides from the page what is no number, and so loses it.

use crate::components::changing::{changing, flagged, heard};
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
    pub fn new(id: &'static str, error_id: &'static str, first: &str) -> Self {
        Self {
            id,
            error_id,
            text: RwSignal::new(first.to_owned()),
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
    pub fn put(self, text: String) {
        self.text.set(text);
        self.trouble.set(None);
    }

    /// The field with its label, its trouble in a sentence, and `hint`, which tells its id to the field.
    pub fn field(
        self,
        label: AnyView,
        hint_id: &'static str,
        hint: AnyView,
        between: Option<AnyView>,
    ) -> AnyView {
        view! {
            <div class="field">
                <label for=self.id>{label}</label>
                <input
                    type="text"
                    class="number"
                    dir="ltr"
                    id=self.id
                    inputmode="numeric"
                    autocomplete="off"
                    maxlength="20"
                    aria-describedby=[self.error_id, " ", hint_id].concat()
                    aria-invalid=flagged(move || self.trouble.with(Option::is_some))
                    prop:value=changing(move || self.text.get())
                    on:input=heard(move |event| self.put(event_target_value(&event)))
                />
                <FieldError id=self.error_id trouble=self.trouble/>
                {between}
                <small id=hint_id>{hint}</small>
            </div>
        }
        .into_any()
    }
}
