//! Calls with a body that change the order: the customer's by bearer token, the machine's by signature.

use super::{Answered, OrderObject, bearer};
use crate::apart::apart;
use crate::clock::now;
use crate::payee;
use crate::random;
use crate::reply;
use crate::routes::{Ask, VISITOR_HEADER};
use kindling_domain::catalogue::Product;
use kindling_domain::error::{ApiError, ErrorCode};
use kindling_domain::order::Order;
use kindling_domain::wire::{
    AckResponse, ClaimRequest, ClaimResponse, ClassStatus, Delivery, ExtendRequest,
    IDENTITY_HEADER, MachineBackup, MachineDelivery, MachineHeartbeat, MachineReport, PairRequest,
    RefundRequest, SIGNATURE_HEADER, read_json,
};
use serde::Deserialize;
use worker::{Request, Result};

/// The answer's text; `None` for the order's view.
type Outcome = std::result::Result<Option<String>, ApiError>;

/// What a machine says, with its signatures.
struct Word<'a> {
    body: &'a [u8],
    /// By the machine's own key.
    signature: Option<String>,
    /// By LND's identity key.
    identity: Option<String>,
}

/// A body that says nothing: `{}`, or none at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn nothing(body: &[u8]) -> std::result::Result<(), ApiError> {
    if body.is_empty() {
        return Ok(());
    }
    read_json::<Nothing>(body).map(|Nothing {}| ())
}

impl OrderObject {
    pub(super) async fn command(
        &self,
        ask: Ask<'_>,
        request: &Request,
        body: &[u8],
    ) -> Result<Answered> {
        let header = request.headers().get("authorization")?;
        let token = bearer(header.as_deref());
        match ask {
            Ask::Extend => {
                return match (self.opened(token)?, read_json::<ExtendRequest>(body)) {
                    (None, _) => Ok(Err(ErrorCode::NotFound.into())),
                    (_, Ok(wanted)) => apart(self.extend(token, wanted.hours)).await,
                    (_, Err(refusal)) => Ok(Err(refusal)),
                };
            }
            Ask::Renew => {
                let visitor = request.headers().get(VISITOR_HEADER)?;
                return match nothing(body) {
                    Ok(()) => apart(self.renew(token, visitor.as_deref())).await,
                    Err(refusal) => Ok(Err(refusal)),
                };
            }
            _ => {}
        }
        let word = Word {
            body,
            signature: request.headers().get(SIGNATURE_HEADER)?,
            identity: request.headers().get(IDENTITY_HEADER)?,
        };
        let order = match ask {
            Ask::Pair | Ask::Report | Ask::Deliver | Ask::Heartbeat | Ask::Backup => {
                self.order()?
            }
            _ => self.opened(token)?,
        };
        let Some(mut order) = order else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        let before = order.state.clone();
        let outcome = match ask {
            Ask::Claim => self.claim(&mut order, body)?,
            Ask::Acknowledge => self.acknowledge(&mut order, body)?,
            Ask::Refund => self.refund(&mut order, body).map(|()| None),
            Ask::Destroy => nothing(body)
                .and_then(|()| order.destroy(now()))
                .map(|()| None),
            Ask::Pairing => {
                let token = random::token()?;
                match nothing(body).and_then(|()| order.issue_pairing(token, now())) {
                    Ok(issued) => Ok(Some(serde_json::to_string(&issued)?)),
                    Err(refusal) => Err(refusal),
                }
            }
            Ask::RevokePairing => nothing(body)
                .and_then(|()| order.revoke_pairing(now()))
                .map(|()| None),
            Ask::Pair => {
                let caller = request.headers().get(VISITOR_HEADER)?;
                pair(&mut order, body, caller.as_deref())?
            }
            _ => self.machine(&mut order, ask, &word)?,
        };
        if outcome.is_ok() || ask == Ask::Pair {
            // A stolen token dies although its call is refused.
            self.save(&mut order)?;
            if ask == Ask::Refund || order.state != before {
                self.wake_for(&order).await?;
            }
        }
        let text = match outcome {
            Ok(text) => text,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let text = match text {
            Some(text) => text,
            None => serde_json::to_string(&order.view())?,
        };
        Ok(Ok(reply::json_text(200, text)?))
    }

    fn claim(&self, order: &mut Order, body: &[u8]) -> Result<Outcome> {
        let mut claim = || -> std::result::Result<(), ApiError> {
            let request: ClaimRequest = read_json(body)?;
            request.check()?;
            order.claim(&request.nonce, now())
        };
        if let Err(refusal) = claim() {
            return Ok(Err(refusal));
        }
        match self.store.bundle()? {
            Some(sealed) => Ok(Ok(Some(serde_json::to_string(&ClaimResponse { sealed })?))),
            None => Ok(Err(ErrorCode::BundleErased.into())),
        }
    }

    fn acknowledge(&self, order: &mut Order, body: &[u8]) -> Result<Outcome> {
        let mut acknowledge = || -> std::result::Result<(), ApiError> {
            let request: ClaimRequest = read_json(body)?;
            request.check()?;
            order.acknowledge(&request.nonce)
        };
        if let Err(refusal) = acknowledge() {
            return Ok(Err(refusal));
        }
        self.store.erase_bundle()?;
        let erased = AckResponse {
            delivery: Delivery::Erased,
        };
        Ok(Ok(Some(serde_json::to_string(&erased)?)))
    }

    /// Where a refund goes: what can be judged of it now is judged now, where the customer can still correct it.
    fn refund(&self, order: &mut Order, body: &[u8]) -> std::result::Result<(), ApiError> {
        let request: RefundRequest = read_json(body)?;
        let to = payee::check(&self.config(), &request.refund_to, order.owed(), now())?;
        order.refund_to(to, now())
    }

    fn machine(&self, order: &mut Order, ask: Ask<'_>, word: &Word<'_>) -> Result<Outcome> {
        let body = word.body;
        let signature = word.signature.as_deref().unwrap_or_default();
        if let Err(refusal) = order.verify_machine(body, signature) {
            return Ok(Err(refusal));
        }
        let done = |()| Some("{}".to_owned());
        Ok(match ask {
            Ask::Report => read_json::<MachineReport>(body)
                .and_then(|report| order.report(&report, now()))
                .map(done),
            Ask::Heartbeat => {
                let watched = !self.state.get_websockets().is_empty();
                let identity = word.identity.as_deref();
                let answer = match order.request.product {
                    Product::FullNode { .. } => read_json::<MachineHeartbeat>(body)
                        .and_then(|beat| order.heartbeat(beat, body, identity, watched, now())),
                    Product::Classroom(_) => read_json::<MachineHeartbeat<ClassStatus>>(body)
                        .and_then(|beat| order.class_heartbeat(beat, watched, now())),
                };
                match answer {
                    Ok(answer) => Ok(Some(serde_json::to_string(&answer)?)),
                    Err(refusal) => Err(refusal),
                }
            }
            Ask::Backup => {
                let backup = read_json::<MachineBackup>(body);
                match backup.and_then(|backup| order.backup(&backup, now()).map(|()| backup)) {
                    Ok(MachineBackup { sealed, .. }) => {
                        match sealed {
                            Some(sealed) => self.store.save_backup(&sealed)?,
                            None => self.store.erase_backup()?,
                        }
                        Ok(done(()))
                    }
                    Err(refusal) => Err(refusal),
                }
            }
            _ => {
                let delivery = read_json::<MachineDelivery>(body);
                match delivery.and_then(|delivery| Ok((order.deliver(&delivery, now())?, delivery)))
                {
                    Ok((first, delivery)) => {
                        if first {
                            self.store.save_bundle(&delivery.sealed)?;
                        }
                        Ok(done(()))
                    }
                    Err(refusal) => Err(refusal),
                }
            }
        })
    }
}

fn pair(order: &mut Order, body: &[u8], caller: Option<&str>) -> Result<Outcome> {
    let caller = caller.and_then(|address| address.parse().ok());
    let paired =
        read_json::<PairRequest>(body).and_then(|request| order.pair(&request, caller, now()));
    match paired {
        Ok(answer) => Ok(Ok(Some(serde_json::to_string(&answer)?))),
        Err(refusal) => Ok(Err(refusal)),
    }
}
