//! What cannot be taken back stands behind a tick, so that it is no slip of the finger.

use super::act::Acting;
use crate::components::field_error::FieldError;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// The words of such a form.
pub struct Sure {
    /// Its style.
    pub class: &'static str,
    /// What will happen.
    pub warning: &'static str,
    /// What the person agrees to.
    pub tick: &'static str,
    /// The button.
    pub button: &'static str,
    /// The button while it is under way.
    pub busy: &'static str,
    /// Where its trouble is said.
    pub error_id: &'static str,
}

impl Sure {
    /// The form; once it is ticked and sent, `start` starts what `act` follows.
    pub fn form(self, act: Acting, start: impl Fn() + 'static) -> AnyView {
        let is_sure = RwSignal::new(false);
        let submit = move |event: SubmitEvent| {
            event.prevent_default();
            if is_sure.get_untracked() {
                start();
            }
        };
        view! {
            <form class=self.class on:submit=submit>
                <p>{self.warning}</p>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=is_sure
                        on:change:target=move |event| is_sure.set(event.target().checked())
                    />
                    <span>{self.tick}</span>
                </label>
                <div class="row">
                    <button
                        type="submit"
                        class="button danger"
                        disabled=move || !is_sure.get()
                        aria-disabled=move || act.busy.get().then_some("true")
                    >
                        {move || if act.busy.get() { self.busy } else { self.button }}
                    </button>
                </div>
                <FieldError id=self.error_id trouble=act.trouble/>
            </form>
        }
        .into_any()
    }
}
