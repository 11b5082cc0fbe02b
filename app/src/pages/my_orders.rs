//! The orders that are kept on this device, above the form for all others.

use crate::announce::announcer;
use crate::browser::{focus, location, set_title};
use crate::components::link::Link;
use crate::device::{self, Kept, Last};
use crate::figures::{local_time, whole_percent};
use crate::words::device as words;
use kindling_domain::catalogue::Product;
use kindling_domain::wire::StateName;
use leptos::html::Button;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// What was bought, in two or three words.
pub fn named(product: Product) -> String {
    match product {
        Product::FullNode { .. } => words::full_node().to_owned(),
        Product::Classroom(class) => words::class_of(class.plan.nodes().into()),
    }
}

/// Where it stood.
pub fn stood(last: &Last) -> String {
    let state = match (last.state, last.percent) {
        (StateName::Provisioning, Some(done)) => {
            return words::provisioning_at(&whole_percent(done));
        }
        (StateName::Provisioning, None) => words::provisioning(),
        (StateName::AwaitingPayment, _) => words::awaiting_payment(),
        (StateName::Ready, _) => words::ready(),
        (StateName::Ended, _) => words::ended(),
        (StateName::Expired, _) => words::expired(),
        (StateName::Failed, _) => words::failed(),
        (StateName::Refunded, _) => words::refunded(),
    };
    state.to_owned()
}

/// The list. Nothing where there is none, where the address is of one order already (`beside`), or where the form was asked for.
#[component]
pub fn MyOrders(beside: Option<String>) -> impl IntoView {
    let kept = RwSignal::new(Vec::<Kept>::new());
    let is_wanted = beside.is_none() && !location().1.contains("open=1");
    let read = move || {
        spawn_local(async move {
            // The person may have moved on meanwhile.
            let _ = kept.try_set(device::orders().await);
        });
    };
    if is_wanted {
        read();
    }
    let announcer = announcer();
    let is_stuck = RwSignal::new(false);
    let removed = move |is_done: bool| {
        is_stuck.set(!is_done);
        if is_done {
            announcer.say(words::removed());
            // What had the focus goes.
            focus("main");
        }
        read();
    };
    let remove_all = move || {
        spawn_local(async move { removed(device::forget_all().await.is_ok()) });
    };
    let are_some = Memo::new(move |_| kept.with(|kept| !kept.is_empty()));
    let are_many = Memo::new(move |_| kept.with(|kept| kept.len() > 1));
    move || {
        are_some.get().then(|| {
            set_title(&format!("{} · Kindling", words::orders()));
            view! {
                <section class="narrow">
                    <h2>{words::orders()}</h2>
                    <p class="lead">{words::orders_lead()}</p>
                    <ul class="kept-orders">
                        <For each=move || kept.get() key=|order| (order.id, order.last.at.0) let:order>
                            <li class="card kept-order"><Row order=order removed=Callback::new(removed)/></li>
                        </For>
                    </ul>
                    {move || is_stuck.get().then(|| view! { <p class="field-error" role="alert">{words::remove_trouble()}</p> })}
                    {move || are_many.get().then(|| view! {
                        <Removal
                            label=words::remove_all()
                            name=words::remove_all().to_owned()
                            means=words::remove_all_means()
                            act=Callback::new(move |()| remove_all())
                        />
                    })}
                </section>
            }
        })
    }
}

#[component]
fn Row(order: Kept, removed: Callback<bool>) -> impl IntoView {
    let product = named(order.last.product);
    let short = order.id.to_string()[..8].to_owned();
    let id = order.id;
    let remove = move |()| {
        spawn_local(async move { removed.run(device::forget(id).await.is_ok()) });
    };
    let open_name = words::open_named(&product, &short);
    let remove_name = words::remove_named(&product, &short);
    view! {
        <h3>{product}" "<code dir="ltr">{short}</code></h3>
        <p><strong>{stood(&order.last)}</strong>" "<span class="muted">{words::as_of(&local_time(order.last.at))}</span></p>
        {order.last.ends_at.map(|at| view! { <p class="muted">{words::ends(&local_time(at))}</p> })}
        <p>
            <Link href=order.address() class="button small primary">
                <span aria-hidden="true">{words::open()}</span>
                <span class="visually-hidden">{open_name}</span>
            </Link>
        </p>
        <Removal label=words::remove() name=remove_name means=words::remove_means() act=Callback::new(remove)/>
    }
    .into_any()
}

/// A button, and what it does not do before it is pressed a second time.
#[component]
pub fn Removal(
    label: &'static str,
    /// Its name for those who hear it apart from what is around it.
    name: String,
    means: &'static str,
    act: Callback<()>,
) -> impl IntoView {
    let asked = RwSignal::new(false);
    let was_asked = StoredValue::new(false);
    let next = NodeRef::<Button>::new();
    // The focus goes on to the button that comes where one has gone.
    Effect::new(move || {
        if let Some(button) = next.get()
            && was_asked.get_value()
        {
            // Fails for nothing that matters.
            let _ = button.focus();
        }
    });
    let ask = move |_| {
        was_asked.set_value(true);
        asked.set(true);
    };
    move || {
        if asked.get() {
            view! {
                <div class="confirm">
                    <p>{means}</p>
                    <p class="row">
                        <button type="button" class="button small danger" node_ref=next on:click=move |_| act.run(())>
                            {words::remove_yes()}
                        </button>
                        <button type="button" class="button small" on:click=move |_| asked.set(false)>
                            {words::remove_no()}
                        </button>
                    </p>
                </div>
            }
            .into_any()
        } else {
            let name = name.clone();
            view! {
                <p><button type="button" class="quiet" aria-label=name node_ref=next on:click=ask>{label}</button></p>
            }
            .into_any()
        }
    }
}
