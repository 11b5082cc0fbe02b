//! What leaves an order: its stored row, what it prints, and what customer and operator see of it.

use super::ledger::{HOOK, Ledger, SECRET, Stage, is_done};
use super::money::Money;
use super::{Held, hold};
use kindling_domain::order::{Order, State};
use kindling_domain::wire::{Delivery, OrderView, RefundState, StateName};

impl Ledger {
    /// Too dear to be done after every step.
    pub fn inspect(&mut self, order: &Order, money: &Money) -> Held {
        let text = serde_json::to_string(order).map_err(|error| format!("unwritable: {error}"))?;
        let read = Order::read(&text).map_err(|error| format!("unreadable: {error}"))?;
        let mut kept = order.clone();
        kept.journal.clear();
        kept.refund.asking = None;
        for bill in &mut kept.bills {
            bill.watch = Default::default();
        }
        if let State::Provisioning { attempt, .. }
        | State::Failed { attempt, .. }
        | State::Ended { attempt, .. } = &mut kept.state
        {
            attempt.next_look = None;
        }
        hold!(read == kept, "stored row: {text}");
        hold!(!format!("{order:?}").contains(SECRET), "a secret prints:");
        let told = order.for_operator().to_string();
        hold!(
            !told.contains(SECRET) && !told.contains(HOOK),
            "a secret is told to the operator: {told}"
        );
        let Some(view) = order.view() else {
            hold!(self.stage == Stage::Draft, "no view: {:?}", self.stage);
            return Ok(());
        };
        let shown = serde_json::to_string(&view).map_err(|error| error.to_string())?;
        hold!(
            !shown.contains(SECRET) && !shown.contains(HOOK),
            "a secret shows: {shown}"
        );
        self.same_view(&view, order, money)
    }

    /// The customer sees what is.
    fn same_view(&mut self, view: &OrderView, order: &Order, money: &Money) -> Held {
        let (debt, out) = (money.debt(), order.refund.returned.sats());
        let (name, ending) = match self.stage {
            Stage::Draft => return Err("a draft shows:".to_owned()),
            Stage::Awaiting => (StateName::AwaitingPayment, false),
            Stage::Expired => (StateName::Expired, false),
            Stage::Provisioning => (StateName::Provisioning, false),
            Stage::Ready => (StateName::Ready, false),
            Stage::Ended if is_done(&order.state) => (StateName::Ended, false),
            Stage::Ended => (StateName::Ready, true),
            Stage::Failed if debt == out => (StateName::Refunded, false),
            Stage::Failed => (StateName::Failed, false),
        };
        hold!(
            view.state == name && view.ending == ending,
            "view: {:?}, ending {}, not {name:?}",
            view.state,
            view.ending
        );
        let refund = view
            .refund
            .as_ref()
            .map(|refund| (refund.owed_sats.sats(), refund.paid_sats.sats()));
        let expected = (debt > 0).then_some((debt - out, out));
        hold!(
            refund == expected,
            "refund shown: {refund:?}, not {expected:?}"
        );
        if let Some(refund) = &view.refund {
            let paid = refund.state == RefundState::Paid;
            hold!(paid == (debt == out), "refund state: {:?}", refund.state);
        }
        hold!(
            view.credentials.is_some() == (name == StateName::Ready),
            "credentials: shown {} while {:?}",
            view.credentials.is_some(),
            self.stage
        );
        let sealed = view
            .credentials
            .as_ref()
            .is_some_and(|credentials| credentials.delivery == Delivery::Sealed);
        hold!(
            sealed == (self.stage == Stage::Ready && self.claim.is_none()),
            "delivery: sealed {sealed}, claimed by {:?}",
            self.claim
        );
        if let Some(phase) = view.phase {
            hold!(
                self.phase.is_none_or(|seen| seen <= phase),
                "phase went back: {:?} to {phase:?}",
                self.phase
            );
            self.phase = Some(phase);
        }
        Ok(())
    }
}
