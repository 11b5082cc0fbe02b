//! A button that asks before it does what cannot be taken back. The focus goes from the button to the question and back.

use crate::browser::focus;
use crate::components::changing::soon;
use leptos::prelude::*;

/// A button's looks and words.
pub struct Button {
    /// Its style.
    pub class: &'static str,
    /// What stands on it, by now.
    pub label: Signal<&'static str>,
}

/// What is asked, and by which words.
pub struct Twice {
    /// The first button's; the question's is the second one.
    pub ids: (&'static str, &'static str),
    /// The button that asks.
    pub first: Button,
    /// What the question is about, for those who do not see it.
    pub about: &'static str,
    /// The button that does it.
    pub surely: Button,
    /// The button that goes back.
    pub back: &'static str,
}

impl Twice {
    /// `question` is drawn each time it is asked.
    pub fn view(
        self,
        question: impl Fn() -> AnyView + Send + 'static,
        act: impl Fn() + Copy + Send + 'static,
    ) -> AnyView {
        let (button, group) = self.ids;
        let asked = RwSignal::new(false);
        let ask = move |yes: bool| {
            asked.set(yes);
            // Once it is in the document.
            soon(move || focus(if yes { group } else { button }));
        };
        let Self {
            first,
            about,
            surely,
            back,
            ..
        } = self;
        (move || {
            if asked.get() {
                view! {
                    <div class="confirm" role="group" id=group tabindex="-1" aria-label=about>
                        {question()}
                        <p class="row">
                            <button type="button" class=surely.class on:click=move |_| act()>{surely.label}</button>
                            <button type="button" class="button" on:click=move |_| ask(false)>{back}</button>
                        </p>
                    </div>
                }
                .into_any()
            } else {
                view! {
                    <p>
                        <button type="button" class=first.class id=button on:click=move |_| ask(true)>{first.label}</button>
                    </p>
                }
                .into_any()
            }
        })
        .into_any()
    }
}
