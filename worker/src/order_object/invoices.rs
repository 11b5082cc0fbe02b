//! How an order comes by its invoices: the first one, a new one after it ran out, one for more hours.
//!
//! An invoice that LNbits made and nobody was shown is paid by nobody and runs out, so asking again after a lost answer is safe.

use super::{Answered, OrderObject};
use crate::clock::now;
use crate::door_object::DoorClient;
use crate::fleet_object::FleetClient;
use crate::routes::OpenOrder;
use crate::{lnbits, random, reply, stub};
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::order::{Event, Extension, Invoice, NewOrder, Order, State};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::BootstrapResponse;
use worker::{Response, Result};

/// A place is kept this much longer than its invoice is payable, in seconds: what was paid in the last second still finds it.
const PLACE_GRACE_SECONDS: u64 = 600;

impl OrderObject {
    pub(super) fn fleet(&self, name: &str) -> FleetClient<'_> {
        FleetClient {
            env: &self.env,
            name: name.to_owned(),
            limits: self.config().fleet_limits(name),
        }
    }

    fn door(&self, name: &str) -> DoorClient<'_> {
        DoorClient {
            env: &self.env,
            name: name.to_owned(),
            limits: self.config().door_limits,
        }
    }

    /// Counts the order at its visitor's door and keeps a place for it.
    async fn admit(
        &self,
        id: OrderId,
        fleets: &[String],
        door: Option<&str>,
        until: UnixMillis,
    ) -> std::result::Result<String, ApiError> {
        let down = |_| ApiError::from(ErrorCode::TemporarilyUnavailable);
        if let Some(door) = door {
            self.door(door).admit(id, until).await.map_err(down)??;
        }
        let kept = until.plus_seconds(PLACE_GRACE_SECONDS);
        let mut refusal = ErrorCode::NoCapacity;
        for name in fleets {
            match self.fleet(name).reserve(id, kept).await {
                Ok(Ok(())) => return Ok(name.clone()),
                Ok(Err(code)) => refusal = code,
                Err(_) => refusal = ErrorCode::TemporarilyUnavailable,
            }
        }
        self.leave(id, door).await;
        Err(refusal.into())
    }

    /// Nothing came of it. If this is lost, the place and the visit lapse by themselves.
    async fn leave(&self, id: OrderId, door: Option<&str>) {
        if let Some(door) = door {
            let _ = self.door(door).leave(id).await;
        }
    }

    async fn step_back(&self, order: &Order) {
        let _ = self.fleet(&order.plan.fleet).release(order.id).await;
        self.leave(order.id, order.door.as_deref()).await;
    }

    async fn invoice(
        &self,
        order: &Order,
        amount: Sats,
        seconds: u64,
        memo: &str,
    ) -> Result<Option<Invoice>> {
        let config = self.config();
        match &config.lnbits {
            // An order keeps to the kind of Lightning it began with.
            Some(lnbits) if !order.plan.stubs.lightning => {
                Ok(lnbits::create_invoice(lnbits, &config, order, amount, seconds, memo).await)
            }
            None if order.plan.stubs.lightning => {
                stub::invoice(&config, order, amount, seconds, now()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Opens an order: saves a draft, asks for its invoice, and shows it. The same order again is the same answer.
    pub(super) async fn open(&self, new: OpenOrder) -> Result<Answered> {
        let _opening = self.opening.lock().await;
        if let Some(order) = self.order()?.filter(|order| order.state != State::Draft) {
            let access_hash = new
                .access_token
                .is_none()
                .then_some(new.access_hash.as_str());
            if !order.is_same(&new.request, access_hash) {
                return Ok(Err(ErrorCode::OrderExists.into()));
            }
            return created(&order, None).map(Ok);
        }
        let seconds = self.config().invoice_seconds;
        let until = now().plus_seconds(seconds);
        let door = new.visitor.as_deref();
        let fleet = match self.admit(new.id, &new.fleets, door, until).await {
            Ok(fleet) => fleet,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut plan = new.plan;
        plan.account = fleet
            .split_once('@')
            .map_or("", |(_, name)| name)
            .to_owned();
        plan.fleet = fleet;
        let mut order = Order::draft(
            NewOrder {
                id: new.id,
                request: new.request,
                access_hash: new.access_hash,
                access_drawn: new.access_token.is_some(),
                hook: hex::encode(random::bytes::<16>()?),
                price: new.price,
                plan,
                invoice_seconds: seconds,
                door: new.visitor,
            },
            now(),
        );
        self.store.prepare()?;
        if !order.plan.stubs.lightning {
            // Saved before LNbits is asked, so that the object that comes after this one knows to throw the draft away.
            self.save(&mut order)?;
            self.wake_for(&order).await?;
        }
        let memo = format!("Kindling order {}", order.id);
        let Some(invoice) = self.invoice(&order, order.price, seconds, &memo).await? else {
            self.step_back(&order).await;
            self.erase().await?;
            return Ok(Err(ErrorCode::LightningUnavailable.into()));
        };
        order.open(invoice, now());
        self.save(&mut order)?;
        self.wake_for(&order).await?;
        created(&order, new.access_token).map(Ok)
    }

    /// A new invoice for an order whose last one ran out.
    pub(super) async fn renew(
        &self,
        token: Option<&str>,
        visitor: Option<&str>,
    ) -> Result<Answered> {
        let _opening = self.opening.lock().await;
        let Some(order) = self.opened(token)? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        if order.state == State::AwaitingPayment {
            // Asked for twice: the first answer was lost, or two pages are open.
            return Ok(Ok(reply::json(200, &order.view())?));
        }
        if let Err(refusal) = order.renewal() {
            return Ok(Err(refusal));
        }
        let seconds = self.config().invoice_seconds;
        let until = now().plus_seconds(seconds);
        let fleets = [order.plan.fleet.clone()];
        if let Err(refusal) = self.admit(order.id, &fleets, visitor, until).await {
            return Ok(Err(refusal));
        }
        let memo = format!("Kindling order {}", order.id);
        let made = self.invoice(&order, order.price, seconds, &memo).await?;
        let Some(mut order) = self.order()? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        // The old invoice may have been paid while the new one was made; then the place is the machine's.
        if order.renewal().is_err() {
            return Ok(Ok(reply::json(200, &order.view())?));
        }
        let Some(invoice) = made else {
            self.step_back(&order).await;
            return Ok(Err(ErrorCode::LightningUnavailable.into()));
        };
        order.open(invoice, now());
        order.door = visitor.map(str::to_owned);
        self.save(&mut order)?;
        self.wake_for(&order).await?;
        Ok(Ok(reply::json(200, &order.view())?))
    }

    /// An invoice for more hours; asked for again, the one that is open.
    pub(super) async fn extend(&self, token: Option<&str>, hours: u32) -> Result<Answered> {
        let _opening = self.opening.lock().await;
        let Some(order) = self.opened(token)? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        let (amount, seconds) = match order.extension(hours, self.config().invoice_seconds, now()) {
            Ok(Extension::Wanted { amount, seconds }) => (amount, seconds),
            Ok(Extension::Open) => return Ok(Ok(reply::json(200, &order.view())?)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let memo = format!("Kindling order {}, {hours} hours more", order.id);
        let made = self.invoice(&order, amount, seconds, &memo).await?;
        let Some(invoice) = made else {
            return Ok(Err(ErrorCode::LightningUnavailable.into()));
        };
        let Some(mut order) = self.order()? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        // The end may have come while LNbits was asked; then nobody is shown an invoice that buys nothing.
        if let Err(refusal) = order.extension(hours, seconds, now()) {
            return Ok(Err(refusal));
        }
        order.add_extension(invoice, amount, hours, now());
        self.save(&mut order)?;
        self.wake_for(&order).await?;
        Ok(Ok(reply::json(200, &order.view())?))
    }

    /// Pays a stub invoice, which only its hash does.
    pub(super) async fn stub_pay(&self, hash: &str) -> Result<Answered> {
        let order = self.order()?.filter(|order| order.plan.stubs.lightning);
        let Some((mut order, facts)) = order.and_then(|order| {
            let facts = stub::payment(order.open_bill(hash)?, true);
            Some((order, facts))
        }) else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        order.apply(Event::Payment(hash.to_owned(), Ok(facts)), now());
        self.save(&mut order)?;
        self.wake_for(&order).await?;
        Ok(Ok(reply::json(200, &order.view())?))
    }

    /// Leaves no trace.
    pub(super) async fn erase(&self) -> Result<()> {
        self.alarm.clear(&self.state).await?;
        self.state.storage().delete_all().await?;
        *self.order.borrow_mut() = Some(None);
        self.store.forget();
        self.row.borrow_mut().clear();
        self.set_view(None);
        Ok(())
    }
}

/// The 201 of a new order, and of the same order asked for again.
fn created(order: &Order, access_token: Option<Secret>) -> Result<Response> {
    let Some(mut view) = order.view() else {
        return reply::refuse(ErrorCode::TemporarilyUnavailable);
    };
    if order.access_drawn && access_token.is_none() {
        view.message = "The access token of this order was given once, with its first answer. Without it, do not pay: order anew."
            .to_owned();
    }
    let order_url = format!("{}/orders/{}", order.plan.public_url, order.id);
    reply::json(
        201,
        &BootstrapResponse {
            order: view,
            order_url,
            access_token,
        },
    )
}
