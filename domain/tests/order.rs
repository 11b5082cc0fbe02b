//! The order engine as the Worker drives it: what is due is performed by a scripted cloud, and every step is failed in every way.

#![allow(clippy::unwrap_used, clippy::panic)] // that is how a test fails

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k256::ecdsa::signature::Signer;
use k256::ecdsa::{Signature, SigningKey};
use kindling_domain::catalogue::{BitcoinImplementation, Product};
use kindling_domain::classroom::{Classroom, Distribution, Graph, Plan, Reach};
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::money::{Msats, Sats};
use kindling_domain::order::{
    Answer, CloudSshKey, Droplet, Due, Effect, Event, Failure, FailureReason, Invoice, MachinePlan,
    NewOrder, Order, OrderRequest, Outgoing, PaymentFacts, PayoutInvoice, RefundAnswer, RefundStep,
    State, Step, TailscaleKey, TeardownStep, Watch,
};
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{
    BootstrapRequest, MachineBackup, MachineDelivery, MachineReport, PairRequest, Phase,
    ReportStatus, StateName, Stubs,
};

const START: UnixMillis = UnixMillis(1_763_705_640_000);
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ";
const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1lAQ0eGJ7rvMPRJwAkcVvzLyPSLQhxjxwRrSq6LYDJ";
const HASH: &str = "0001020304050607080900010203040506070809000102030405060708090102";

fn request() -> OrderRequest {
    OrderRequest {
        product: Product::full_node(BitcoinImplementation::Knots),
        region: "nyc3".to_owned(),
        ssh_public_key: KEY.to_owned(),
        ssh_fingerprint: "aa:bb".to_owned(),
        recipients: vec![KEY.to_owned()],
        refund_to: None,
    }
}

fn draft() -> Order {
    Order::draft(
        NewOrder {
            id: OrderId::from_bytes([7; 16]),
            request: request(),
            access_hash: kindling_domain::link::access_hash("token"),
            access_drawn: false,
            hook: "hook".to_owned(),
            price: Sats::from_sats(10_000),
            plan: MachinePlan {
                stubs: Stubs {
                    lightning: false,
                    cloud: false,
                },
                size: "s-2vcpu-4gb".to_owned(),
                volume_size_gb: 100,
                tailscale: true,
                reach: None,
                assumeutxo_url: None,
                public_url: "https://kindling.example".to_owned(),
                hours: None,
                fleet: "nyc3".to_owned(),
                account: String::new(),
            },
            invoice_seconds: 3600,
            door: Some("door".to_owned()),
        },
        START,
    )
}

fn open() -> Order {
    let mut order = draft();
    let invoice = Invoice {
        payment_request: "lnbc1".to_owned(),
        payment_hash: HASH.to_owned(),
        wallet: "wallet".to_owned(),
        expires_at: START.plus_seconds(3600),
    };
    order.open(invoice, START);
    order
}

fn facts(paid: bool) -> PaymentFacts {
    PaymentFacts {
        paid,
        payment_hash: HASH.to_owned(),
        amount: Msats::from_msats(10_000_000),
        wallet: "wallet".to_owned(),
    }
}

fn paid() -> Order {
    let mut order = open();
    order.apply(Event::Payment(HASH.to_owned(), Ok(facts(true))), START);
    order
}

/// A cloud that remembers what it has.
#[derive(Default)]
struct Cloud {
    key: bool,
    volume: bool,
    droplets: u32,
    ever: u32,
    calls: Vec<Effect>,
}

impl Cloud {
    fn droplet(&self) -> Option<Droplet> {
        (self.droplets > 0).then(|| Droplet {
            id: 5,
            active: true,
            address: Some("203.0.113.9".to_owned()),
        })
    }

    fn perform(&mut self, effect: &Effect) -> Event {
        self.calls.push(effect.clone());
        let ours = CloudSshKey { id: 1, owned: true };
        let volume = || Some("v".to_owned());
        Event::Answer(Ok(match effect {
            Effect::Provision(Step::ClaimPlace) => Answer::Place(true),
            Effect::TellFleet(news) => return Event::FleetTold(Ok(news.clone())),
            Effect::RenameDroplet { end, .. } => return Event::Renamed(Ok(*end)),
            Effect::CheckDroplet { .. } => return Event::Checked(Ok(self.droplet())),
            Effect::End => return Event::EndReached,
            Effect::Refund(step) => return Event::Refund(Ok(refund_answer(*step))),
            Effect::LookUpPayment { .. } => {
                return Event::Payment(HASH.to_owned(), Ok(facts(true)));
            }
            Effect::Provision(Step::FindSshKey) | Effect::TearDown(TeardownStep::FindSshKey) => {
                Answer::SshKey(self.key.then_some(ours))
            }
            Effect::Provision(Step::CreateSshKey) => {
                self.key = true;
                Answer::SshKey(Some(ours))
            }
            Effect::Provision(Step::FindVolume) | Effect::TearDown(TeardownStep::FindVolume) => {
                Answer::Volume(self.volume.then(volume).flatten())
            }
            Effect::Provision(Step::CreateVolume) => {
                self.volume = true;
                Answer::Volume(volume())
            }
            Effect::Provision(Step::CreateTailscaleKey) => Answer::TailscaleKey(TailscaleKey {
                auth_key: Secret::new("tskey-auth-x"),
            }),
            Effect::Provision(Step::CreateDroplet) => {
                self.droplets += 1;
                self.ever += 1;
                Answer::Droplet(self.droplet())
            }
            Effect::TearDown(TeardownStep::DeleteDroplet) => {
                self.droplets = 0;
                Answer::Gone
            }
            Effect::TearDown(TeardownStep::DeleteVolume) => {
                self.volume = false;
                Answer::Gone
            }
            Effect::TearDown(TeardownStep::DeleteSshKey) => {
                self.key = false;
                Answer::Gone
            }
            Effect::TearDown(TeardownStep::DeleteTailscaleDevice | TeardownStep::Done) => {
                Answer::Gone
            }
            Effect::Provision(Step::FindDroplet | Step::AwaitActive | Step::AwaitMachine)
            | Effect::TearDown(TeardownStep::FindDroplet | TeardownStep::AwaitDropletGone) => {
                Answer::Droplet(self.droplet())
            }
            Effect::Erase | Effect::EraseBundle => return Event::BundleErased,
        }))
    }

    fn is_empty(&self) -> bool {
        !self.key && !self.volume && self.droplets == 0
    }
}

/// A customer's wallet that takes every refund.
fn refund_answer(step: RefundStep) -> RefundAnswer {
    match step {
        RefundStep::Resolve => RefundAnswer::Invoice(PayoutInvoice {
            payment_request: "lnbc2".to_owned(),
            payment_hash: "ab".repeat(32),
            expires_at: START.plus_seconds(100 * 24 * 3600),
        }),
        RefundStep::Pay => RefundAnswer::Asked,
        RefundStep::LookUp => RefundAnswer::Outgoing(Outgoing::Paid),
    }
}

/// The event that says that `effect` did not work.
fn failed(effect: &Effect, failure: Failure) -> Event {
    match effect {
        Effect::LookUpPayment { payment_hash } => {
            Event::Payment(payment_hash.clone(), Err(failure))
        }
        Effect::Refund(_) => Event::Refund(Err(failure)),
        Effect::TellFleet(_) => Event::FleetTold(Err(failure)),
        Effect::RenameDroplet { .. } => Event::Renamed(Err(failure)),
        Effect::CheckDroplet { .. } => Event::Checked(Err(failure)),
        _ => Event::Answer(Err(failure)),
    }
}

/// What becomes of one call on its way.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Before,
    After,
    Cut,
    CutAfter,
    Garbage,
    Final,
}

const FAULTS: [Fault; 6] = [
    Fault::Before,
    Fault::After,
    Fault::Cut,
    Fault::CutAfter,
    Fault::Garbage,
    Fault::Final,
];

/// Drives an order, on a clock that jumps to whatever is next, until nothing is due but the machine itself. The `nth` effect
/// meets `fault`.
fn drive(
    order: &mut Order,
    cloud: &mut Cloud,
    now: &mut UnixMillis,
    fault: Option<(usize, Fault)>,
) {
    for turn in 0..500 {
        match order.due(*now) {
            Due::Idle => return,
            Due::Wait(at, _) => {
                if matches!(
                    &order.state,
                    State::Provisioning {
                        step: Step::AwaitMachine,
                        ..
                    }
                ) {
                    return;
                }
                *now = at;
            }
            Due::Perform(effect) => {
                order.begin(&effect, *now);
                let stored = serde_json::to_string(order).unwrap();
                let reload = |order: &mut Order, now| {
                    *order = Order::read(&stored).unwrap();
                    order.recover(now);
                };
                match fault
                    .filter(|(nth, _)| *nth == turn)
                    .map(|(_, fault)| fault)
                {
                    None => order.apply(cloud.perform(&effect), *now),
                    Some(Fault::Before) => {
                        let retry_after = Some(2);
                        order.apply(failed(&effect, Failure::NotApplied { retry_after }), *now);
                    }
                    Some(Fault::After) => {
                        cloud.perform(&effect);
                        order.apply(failed(&effect, Failure::Unknown), *now);
                    }
                    Some(Fault::Cut) => reload(order, *now),
                    Some(Fault::CutAfter) => {
                        cloud.perform(&effect);
                        reload(order, *now);
                    }
                    Some(Fault::Garbage) => {
                        order.apply(Event::Answer(Ok(Answer::StubPhase(Phase::Lnd))), *now)
                    }
                    Some(Fault::Final) => {
                        let reason = FailureReason::CloudRefused;
                        order.apply(failed(&effect, Failure::Final { reason }), *now);
                    }
                }
            }
        }
    }
    panic!("never comes to rest: {:?}", order.state);
}

fn delivery(nonce: u64, sealed: &[u8]) -> MachineDelivery {
    MachineDelivery {
        nonce,
        sealed: STANDARD.encode([b"age-encryption.org/v1\n", sealed].concat()),
        node_ip: "198.51.100.1".to_owned(),
        host_keys: vec![HOST_KEY.to_owned()],
        tailscale_hostname: Some("kindling".to_owned()),
        tailscale_node_id: Some("n1".to_owned()),
        lnbits_url: Some("http://127.0.0.1:5000".to_owned()),
    }
}

fn ready() -> Order {
    let mut order = paid();
    let mut now = START;
    drive(&mut order, &mut Cloud::default(), &mut now, None);
    assert!(order.deliver(&delivery(1, b"x"), now).unwrap());
    order
}

#[test]
fn an_undisturbed_order_makes_these_calls() {
    let (mut order, mut cloud, mut now) = (paid(), Cloud::default(), START);
    drive(&mut order, &mut cloud, &mut now, None);
    let steps = [
        Step::ClaimPlace,
        Step::FindSshKey,
        Step::CreateSshKey,
        Step::FindVolume,
        Step::CreateVolume,
        Step::CreateTailscaleKey,
        Step::FindDroplet,
        Step::CreateDroplet,
        Step::AwaitActive,
    ];
    assert_eq!(cloud.calls, steps.map(Effect::Provision));
    assert_eq!(order.view().unwrap().phase, Some(Phase::Booting));
    assert_eq!(order.resources.address.as_deref(), Some("203.0.113.9"));
}

#[test]
fn every_step_survives_every_fault() {
    let mut cases = 0;
    for nth in 0..13 {
        for fault in FAULTS {
            let (mut order, mut cloud, mut now) = (paid(), Cloud::default(), START);
            drive(&mut order, &mut cloud, &mut now, Some((nth, fault)));
            assert!(cloud.ever <= 1, "{nth} {fault:?}: two machines");
            match &order.state {
                State::Provisioning {
                    step: Step::AwaitMachine,
                    ..
                } => {
                    assert!(order.deliver(&delivery(1, b"x"), now).unwrap());
                    assert_eq!(order.view().unwrap().state, StateName::Ready);
                }
                State::Failed {
                    step: TeardownStep::Done,
                    ..
                } => {
                    assert!(cloud.is_empty(), "{nth} {fault:?}: something is left");
                }
                other => panic!("{nth} {fault:?}: {other:?}"),
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 78);
}

#[test]
fn teardown_survives_every_fault() {
    for nth in 0..8 {
        for fault in FAULTS {
            let (mut order, mut cloud, mut now) = (paid(), Cloud::default(), START);
            drive(&mut order, &mut cloud, &mut now, None);
            let failed = MachineReport {
                nonce: 1,
                phase: Phase::Lnd,
                status: ReportStatus::Failed,
                message: None,
                tailscale_node_id: Some("n1".to_owned()),
                seconds: None,
            };
            order.report(&failed, now).unwrap();
            drive(&mut order, &mut cloud, &mut now, Some((nth, fault)));
            assert!(
                matches!(
                    order.state,
                    State::Failed {
                        step: TeardownStep::Done,
                        ..
                    }
                ),
                "{nth} {fault:?}"
            );
            assert!(cloud.is_empty(), "{nth} {fault:?}");
        }
    }
}

#[test]
fn a_machine_that_never_speaks_is_torn_down() {
    let (mut order, mut cloud, mut now) = (paid(), Cloud::default(), START);
    drive(&mut order, &mut cloud, &mut now, None);
    now = now.plus_seconds(3600);
    drive(&mut order, &mut cloud, &mut now, None);
    assert_eq!(
        order.view().unwrap().error_code.as_deref(),
        Some("machine_silent")
    );
    assert!(cloud.is_empty());
}

#[test]
fn a_key_that_was_there_before_is_left_alone() {
    let (mut order, mut now) = (paid(), START);
    let mut cloud = Cloud::default();
    for expected in [Step::ClaimPlace, Step::FindSshKey] {
        let Due::Perform(effect) = order.due(now) else {
            panic!("nothing due")
        };
        assert_eq!(effect, Effect::Provision(expected));
        order.begin(&effect, now);
        if expected == Step::ClaimPlace {
            order.apply(cloud.perform(&effect), now);
        }
    }
    order.apply(
        Event::Answer(Ok(Answer::SshKey(Some(CloudSshKey {
            id: 9,
            owned: false,
        })))),
        now,
    );
    drive(&mut order, &mut cloud, &mut now, None);
    let failed = MachineReport {
        nonce: 1,
        phase: Phase::Lnd,
        status: ReportStatus::Failed,
        message: None,
        tailscale_node_id: None,
        seconds: None,
    };
    order.report(&failed, now).unwrap();
    drive(&mut order, &mut cloud, &mut now, None);
    assert!(
        !cloud
            .calls
            .contains(&Effect::TearDown(TeardownStep::DeleteSshKey))
    );
}

#[test]
fn only_the_right_payment_counts() {
    let wrong = [
        PaymentFacts {
            paid: false,
            ..facts(true)
        },
        PaymentFacts {
            payment_hash: "00".repeat(32),
            ..facts(true)
        },
        PaymentFacts {
            amount: Msats::from_msats(9_999_999),
            ..facts(true)
        },
        PaymentFacts {
            wallet: "another".to_owned(),
            ..facts(true)
        },
    ];
    for facts in wrong {
        let mut order = open();
        order.apply(Event::Payment(HASH.to_owned(), Ok(facts.clone())), START);
        assert_eq!(
            order.view().unwrap().state,
            StateName::AwaitingPayment,
            "{facts:?}"
        );
    }
    assert_eq!(paid().view().unwrap().state, StateName::Provisioning);
}

#[test]
fn an_invoice_is_looked_at_within_a_minute_and_expires_after_a_last_look() {
    let mut order = open();
    let (mut now, mut looks) = (START, 0);
    while order.view().unwrap().state == StateName::AwaitingPayment {
        match order.due(now) {
            Due::Wait(at, _) => {
                assert!(at.since(now) <= 60_000 && at > now);
                now = at;
            }
            Due::Perform(effect) => {
                order.begin(&effect, now);
                order.apply(Event::Payment(HASH.to_owned(), Ok(facts(false))), now);
                looks += 1;
            }
            Due::Idle => panic!("an open invoice is forgotten"),
        }
    }
    assert_eq!(now, START.plus_seconds(3600));
    assert_eq!(looks, 120);
    let mut late = order.clone();
    late.apply(
        Event::Payment(HASH.to_owned(), Ok(facts(true))),
        now.plus_seconds(7200),
    );
    assert_eq!(late.view().unwrap().state, StateName::Provisioning);
    drive(&mut order, &mut Cloud::default(), &mut now, None);
    assert_eq!(
        order.view().unwrap().state,
        StateName::Provisioning,
        "the scripted LNbits says paid at the next look"
    );
}

#[test]
fn an_unreachable_lnbits_is_asked_again_without_haste_and_the_order_does_not_expire_unseen() {
    let mut order = open();
    let mut now = START.plus_seconds(3600);
    for _ in 0..10 {
        let Due::Perform(effect) = order.due(now) else {
            panic!("no look")
        };
        order.begin(&effect, now);
        order.apply(
            Event::Payment(
                HASH.to_owned(),
                Err(Failure::NotApplied { retry_after: None }),
            ),
            now,
        );
        assert_eq!(order.view().unwrap().state, StateName::AwaitingPayment);
        let Due::Wait(at, _) = order.due(now) else {
            panic!("in haste")
        };
        assert!(at.since(now) >= 30_000);
        now = at;
    }
}

#[test]
fn an_expired_invoice_is_watched_for_a_day() {
    let mut order = open();
    let mut now = START.plus_seconds(3600);
    let mut looks = 0;
    loop {
        match order.due(now) {
            Due::Wait(at, _) => now = at,
            Due::Perform(effect) => {
                order.begin(&effect, now);
                order.apply(Event::Payment(HASH.to_owned(), Ok(facts(false))), now);
                looks += 1;
            }
            Due::Idle => break,
        }
    }
    assert!(now.since(START) > 23 * 3_600_000 && now.since(START) < 26 * 3_600_000);
    assert!((20..200).contains(&looks), "{looks}");
}

#[test]
fn a_hint_brings_the_look_forward_but_not_into_a_storm() {
    let mut order = open();
    let Due::Wait(at, _) = order.due(START) else {
        panic!("due at once")
    };
    assert_eq!(at, START.plus_seconds(30));
    order.apply(Event::PaymentHint, START.plus_millis(10));
    let Due::Wait(at, _) = order.due(START.plus_millis(10)) else {
        panic!("due at once")
    };
    assert_eq!(at, START.plus_seconds(1));
}

/// The one look at LNbits, begun and answered at these times.
fn looked_up(order: &mut Order, asked: UnixMillis, answered: UnixMillis, facts: PaymentFacts) {
    let look = Effect::LookUpPayment {
        payment_hash: HASH.to_owned(),
    };
    order.begin(&look, asked);
    order.apply(Event::Payment(HASH.to_owned(), Ok(facts)), answered);
}

#[test]
fn unpaid_is_true_of_when_it_was_asked() {
    let mut order = open();
    let end = order.expires_at;
    let before = UnixMillis(end.0 - 1000);
    looked_up(&mut order, before, end.plus_seconds(5), facts(false));
    assert_eq!(order.state, State::AwaitingPayment);
    assert!(matches!(
        order.due(end),
        Due::Perform(Effect::LookUpPayment { .. })
    ));
    looked_up(&mut order, end, end.plus_seconds(5), facts(false));
    assert_eq!(order.state, State::Expired);
}

#[test]
fn an_invoice_that_was_paid_wrongly_runs_out_all_the_same() {
    let mut order = open();
    let end = order.expires_at;
    let wrong = || PaymentFacts {
        amount: Msats::from_msats(1),
        ..facts(true)
    };
    looked_up(&mut order, START, START, wrong());
    assert_eq!(order.state, State::AwaitingPayment);
    looked_up(&mut order, end, end, wrong());
    assert_eq!(order.state, State::Expired);
    assert_eq!(order.received(), Sats::from_sats(0));
    looked_up(&mut order, end, end, facts(true));
    assert!(matches!(order.state, State::Provisioning { .. }));
}

#[test]
fn an_invoice_for_a_refund_is_good_for_what_it_was_asked_for() {
    let owing = || {
        let mut order = paid();
        let place = Effect::Provision(Step::ClaimPlace);
        order.begin(&place, START);
        order.apply(Event::Answer(Ok(Answer::Place(false))), START);
        order.refund_to("me@example.com".to_owned(), START).unwrap();
        order.begin(&Effect::Refund(RefundStep::Resolve), START);
        order
    };
    let answers = [
        refund_answer(RefundStep::Resolve),
        RefundAnswer::Problem("No.".to_owned()),
    ];
    for answer in answers {
        let answered = Event::Refund(Ok(answer));
        let mut by_hand = owing();
        by_hand.refunded_by_hand(START).unwrap();
        let mut elsewhere = owing();
        elsewhere
            .refund_to("you@example.com".to_owned(), START)
            .unwrap();
        for mut order in [by_hand, elsewhere] {
            order.apply(answered.clone(), START);
            assert_eq!((order.refund.payout, order.refund.problem), (None, None));
        }
        let mut order = owing();
        order.apply(answered, START);
        assert!(order.refund.payout.is_some() || order.refund.problem.is_some());
    }
}

#[test]
fn one_claimant_wins_and_a_lost_answer_may_be_asked_for_again() {
    let (a, b) = ("aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb");
    let code = |result: Result<(), kindling_domain::error::ApiError>| result.unwrap_err().code;
    assert_eq!(code(paid().claim(a, START)), ErrorCode::NotReady);
    let mut order = ready();
    assert_eq!(code(order.acknowledge(a)), ErrorCode::NotReady);
    order.claim(a, START).unwrap();
    order.claim(a, START.plus_seconds(24 * 3600 - 1)).unwrap();
    assert_eq!(code(order.claim(b, START)), ErrorCode::ClaimedElsewhere);
    assert_eq!(code(order.acknowledge(b)), ErrorCode::ClaimedElsewhere);
    assert_eq!(
        code(order.claim(a, START.plus_seconds(24 * 3600))),
        ErrorCode::BundleErased
    );
    let Due::Perform(Effect::EraseBundle) = order.due(START.plus_seconds(24 * 3600)) else {
        panic!("kept")
    };
    order.acknowledge(a).unwrap();
    order.acknowledge(a).unwrap();
    assert_eq!(code(order.claim(a, START)), ErrorCode::BundleErased);
    assert_eq!(code(order.acknowledge(b)), ErrorCode::BundleErased);
    assert_eq!(order.due(START.plus_seconds(99 * 3600)), Due::Idle);
}

#[test]
fn a_machine_speaks_only_for_its_order_and_only_forward() {
    let (mut order, mut now) = (paid(), START);
    drive(&mut order, &mut Cloud::default(), &mut now, None);
    order.expect_machine(&Secret::new("one-shot"), now);
    let machine = SigningKey::from_slice(&[3; 32]).unwrap();
    let stranger = SigningKey::from_slice(&[4; 32]).unwrap();
    let public =
        |key: &SigningKey| hex::encode(key.verifying_key().to_encoded_point(true).as_bytes());
    let pair = |token: &str, key: &SigningKey| PairRequest {
        token: Secret::new(token),
        public_key: public(key),
    };
    let code = |result: Result<(), kindling_domain::error::ApiError>| result.unwrap_err().code;

    assert_eq!(
        code(order.pair(&pair("wrong", &machine), None, now).map(drop)),
        ErrorCode::NotFound
    );
    let answer = order.pair(&pair("one-shot", &machine), None, now).unwrap();
    assert_eq!(answer.tailscale_auth_key.unwrap().expose(), "tskey-auth-x");
    order.pair(&pair("one-shot", &machine), None, now).unwrap();
    assert_eq!(
        code(
            order
                .pair(&pair("one-shot", &stranger), None, now)
                .map(drop)
        ),
        ErrorCode::AlreadyPaired
    );

    let body = br#"{"nonce":1}"#;
    let sign = |key: &SigningKey| {
        let signature: Signature = key.sign(body);
        STANDARD.encode(signature.to_der())
    };
    order.verify_machine(body, &sign(&machine)).unwrap();
    assert_eq!(
        code(order.verify_machine(body, &sign(&stranger))),
        ErrorCode::NotFound
    );
    assert_eq!(
        code(order.verify_machine(b"{\"nonce\":2}", &sign(&machine))),
        ErrorCode::NotFound
    );
    assert_eq!(code(order.verify_machine(body, "")), ErrorCode::NotFound);

    let report = |nonce, phase| MachineReport {
        nonce,
        phase,
        status: ReportStatus::Started,
        message: None,
        tailscale_node_id: None,
        seconds: None,
    };
    order.report(&report(5, Phase::Lnd), now).unwrap();
    assert!(
        order.resources.tailscale_key.is_none(),
        "the joining key is kept longer than needed"
    );
    assert_eq!(
        code(order.pair(&pair("one-shot", &machine), None, now).map(drop)),
        ErrorCode::AlreadyPaired
    );
    for stale in [5, 4, 0] {
        assert_eq!(
            code(order.report(&report(stale, Phase::Sealed), now)),
            ErrorCode::NonceNotRising
        );
    }
    order.report(&report(6, Phase::Packages), now).unwrap();
    assert_eq!(
        order.view().unwrap().phase,
        Some(Phase::Lnd),
        "the page never goes back"
    );
    assert_eq!(
        code(order.report(&report(7, Phase::Droplet), now)),
        ErrorCode::InvalidBody
    );

    assert!(order.deliver(&delivery(8, b"first"), now).unwrap());
    assert!(!order.deliver(&delivery(9, b"first"), now).unwrap());
    assert_eq!(
        code(order.deliver(&delivery(10, b"second"), now).map(drop)),
        ErrorCode::AlreadyDelivered
    );
    assert_eq!(
        order.view().unwrap().credentials.unwrap().node_ip,
        "203.0.113.9",
        "the cloud's word counts"
    );
}

#[test]
fn a_confused_delivery_is_refused() {
    let (mut order, mut now) = (paid(), START);
    drive(&mut order, &mut Cloud::default(), &mut now, None);
    let good = delivery(1, b"x");
    let bad = [
        MachineDelivery {
            sealed: "%".to_owned(),
            ..good.clone()
        },
        MachineDelivery {
            sealed: STANDARD.encode("plain text"),
            ..good.clone()
        },
        MachineDelivery {
            node_ip: "somewhere".to_owned(),
            ..good.clone()
        },
        MachineDelivery {
            host_keys: vec!["x\ny".to_owned()],
            ..good.clone()
        },
        MachineDelivery {
            lnbits_url: Some("javascript:alert(1)".to_owned()),
            ..good.clone()
        },
        MachineDelivery {
            tailscale_hostname: Some("a b".to_owned()),
            ..good.clone()
        },
    ];
    for delivery in bad {
        assert_eq!(
            order.deliver(&delivery, now).unwrap_err().code,
            ErrorCode::InvalidBody
        );
    }
    assert!(order.deliver(&good, now).unwrap());
}

#[test]
fn requests_are_checked_one_by_one() {
    let body = |change: &dyn Fn(&mut BootstrapRequest)| {
        let mut body = BootstrapRequest {
            order_id: None,
            product: Product::full_node(BitcoinImplementation::Core),
            region: None,
            ssh_public_key: format!("{KEY} me@laptop"),
            seal_to: None,
            access_hash: None,
            refund_to: None,
        };
        change(&mut body);
        OrderRequest::check(&body, "ams3")
    };
    let good = body(&|_| {}).unwrap();
    assert_eq!(
        (good.region.as_str(), good.ssh_public_key.as_str()),
        ("ams3", KEY)
    );
    assert_eq!(good.recipients, [KEY]);
    let seal_to = |json: &str| serde_json::from_str(json).unwrap();
    let age = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let sealed = body(&|b| b.seal_to = Some(seal_to(&format!("[\"{age}\",\"{KEY}\"]")))).unwrap();
    assert_eq!(sealed.recipients, [age, KEY]);
    let code = |change: &dyn Fn(&mut BootstrapRequest)| body(change).unwrap_err().code;
    assert_eq!(
        code(&|b| b.ssh_public_key = "nonsense".to_owned()),
        ErrorCode::InvalidSshKey
    );
    let five = format!("[{}]", vec![format!("\"{age}\""); 5].join(","));
    for bad in ["\"age1nonsense\"", "[]", "\"\"", "[\"\"]", &five] {
        assert_eq!(
            code(&|b| b.seal_to = Some(seal_to(bad))),
            ErrorCode::InvalidRecipient,
            "{bad}"
        );
    }
    for bad in ["", "zz", &"A".repeat(64), &"a".repeat(63)] {
        assert_eq!(
            code(&|b| b.access_hash = Some(bad.to_owned())),
            ErrorCode::InvalidAccessHash
        );
    }
    assert_eq!(
        code(&|b| b.refund_to = Some("a b".to_owned())),
        ErrorCode::InvalidRefundAddress
    );
    assert_eq!(
        code(&|b| b.refund_to = Some("a".repeat(3000))),
        ErrorCode::InvalidRefundAddress
    );
}

#[test]
fn an_order_asked_for_again_is_the_same_only_to_who_may_see_it() {
    let own = kindling_domain::link::access_hash("token");
    let order = open();
    assert!(order.is_same(&request(), Some(&own)));
    assert!(
        !order.is_same(&request(), None),
        "the hash is part of the body"
    );
    assert!(!order.is_same(&request(), Some("another")));
    let mut other = request();
    other.region = "ams3".to_owned();
    assert!(!order.is_same(&other, Some(&own)));
    let mut drawn = open();
    drawn.access_drawn = true;
    assert!(drawn.is_same(&request(), None));
    drawn.apply(Event::Payment(HASH.to_owned(), Ok(facts(true))), START);
    assert!(
        !drawn.is_same(&request(), None),
        "a paid order shows more than its invoice"
    );
}

#[test]
fn a_machine_that_keeps_reporting_is_given_time_but_not_for_ever() {
    let (mut order, mut cloud, mut now) = (paid(), Cloud::default(), START);
    drive(&mut order, &mut cloud, &mut now, None);
    for nonce in 1..=4 {
        now = now.plus_seconds(3000);
        let Due::Wait(..) = order.due(now) else {
            panic!("given up while it reports")
        };
        order.hear(nonce, now).unwrap();
    }
    now = START.plus_seconds(4 * 3600 + 60);
    drive(&mut order, &mut cloud, &mut now, None);
    assert!(matches!(order.state, State::Failed { .. }));
}

#[test]
fn a_machine_that_joined_the_tailnet_and_failed_is_removed_from_it() {
    let (mut order, mut cloud, mut now) = (paid(), Cloud::default(), START);
    drive(&mut order, &mut cloud, &mut now, None);
    let mut failed = MachineReport {
        nonce: 1,
        phase: Phase::Bitcoin,
        status: ReportStatus::Failed,
        message: None,
        tailscale_node_id: Some("../keys/k1".to_owned()),
        seconds: None,
    };
    assert_eq!(
        order.report(&failed, now).unwrap_err().code,
        ErrorCode::InvalidBody
    );
    failed.tailscale_node_id = Some("nKYC11CNTRL".to_owned());
    order.report(&failed, now).unwrap();
    drive(&mut order, &mut cloud, &mut now, None);
    let removed = Effect::TearDown(TeardownStep::DeleteTailscaleDevice);
    assert!(cloud.calls.contains(&removed));
}

/// The story's newest lines are a part of the order's row, and it never has many.
#[test]
fn a_long_story_leaves_the_order_by_its_older_half() {
    let mut order = ready();
    assert!(order.take_old_lines().is_empty());
    let read = Order::read(&serde_json::to_string(&order).unwrap()).unwrap();
    assert_eq!(read.journal, order.journal);
    let mut told = order.journal.clone();
    let mut kept = Vec::new();
    for n in 0..200 {
        let now = START.plus_seconds(20_000 + n);
        order.revoke_pairing(now).unwrap();
        told.extend(order.journal.last().cloned());
        kept.extend(order.take_old_lines());
        assert!(order.journal.len() <= 64);
    }
    kept.extend(order.take_journal());
    assert_eq!(kept, told);
}

/// Orders outlive the code that wrote them.
#[test]
fn the_stored_row_is_pinned() {
    let row = include_str!("data/order_v2.json");
    let order = Order::read(row).unwrap();
    let mut expected = ready();
    expected.take_journal();
    assert_eq!(
        serde_json::to_value(&expected).unwrap(),
        serde_json::from_str::<serde_json::Value>(row).unwrap()
    );
    for bill in &mut expected.bills {
        bill.watch = Watch::default();
    }
    assert_eq!(order, expected);
}

/// A class and what its machine said, as they stand in a row of this version.
#[test]
fn the_row_of_a_class_is_pinned() {
    let row = include_str!("data/order_v2_class.json");
    let mut expected = ready();
    let class = Classroom {
        graph: Graph::Full,
        distribution: Distribution::Poisson,
        seed: Some(7),
        ..Classroom::new(Plan::A, 48)
    };
    expected.request.product = Product::Classroom(class);
    expected.plan.hours = Some(48);
    expected.plan.reach = Some(Reach {
        domain: "class.example".to_owned(),
        connect_url: "https://connect.example".to_owned(),
        wallet_url: "https://wallet.example".to_owned(),
    });
    let beat = serde_json::from_str(include_str!("data/class_heartbeat.json")).unwrap();
    expected
        .class_heartbeat(beat, true, START.plus_seconds(10_000))
        .unwrap();
    expected.take_journal();
    assert_eq!(
        serde_json::to_value(&expected).unwrap(),
        serde_json::from_str::<serde_json::Value>(row).unwrap()
    );
    let read = Order::read(row).unwrap();
    assert_eq!(
        (read.request, read.class),
        (expected.request, expected.class)
    );
    assert_eq!(read.plan, expected.plan);
}

/// What a machine said, as it stands in a row of this version.
#[test]
fn the_machines_words_in_a_row_are_pinned() {
    let row = include_str!("data/order_v2_heard.json");
    let mut expected = ready();
    let now = START.plus_seconds(10_000);
    let machine = SigningKey::from_slice(&[3; 32]).unwrap();
    let public =
        |key: &SigningKey| hex::encode(key.verifying_key().to_encoded_point(true).as_bytes());
    let token = Secret::new("a second one-shot");
    expected.issue_pairing(token.clone(), now).unwrap();
    let request = PairRequest {
        token,
        public_key: public(&machine),
    };
    expected.pair(&request, None, now).unwrap();
    let lnd = SigningKey::from_slice(&[5; 32]).unwrap();
    let body = include_str!("data/heartbeat.json").replace("IDENTITY", &public(&lnd));
    let signature: Signature = lnd.sign(body.as_bytes());
    let signature = STANDARD.encode(signature.to_der());
    let beat = serde_json::from_str(&body).unwrap();
    expected
        .heartbeat(beat, body.as_bytes(), Some(&signature), false, now)
        .unwrap();
    let sealed = Some(STANDARD.encode(b"age-encryption.org/v1\n"));
    expected
        .backup(&MachineBackup { nonce: 8, sealed }, now)
        .unwrap();
    expected.take_journal();
    assert_eq!(
        serde_json::to_value(&expected).unwrap(),
        serde_json::from_str::<serde_json::Value>(row).unwrap()
    );
    let read = Order::read(row).unwrap();
    assert_eq!(
        (read.heartbeat, read.sync, read.voice, read.backup_at),
        (
            expected.heartbeat,
            expected.sync,
            expected.voice,
            expected.backup_at
        )
    );
}

#[test]
fn rows_of_the_first_version_are_read() {
    let row = include_str!("data/order_v1.json");
    let order = Order::read(row).unwrap();
    assert_eq!(order.state, ready().state);
    assert_eq!(order.received().sats(), 10_000);
    let change = |state: &str| {
        let mut row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["state"] = serde_json::from_str(state).unwrap();
        Order::read(&row.to_string()).unwrap()
    };
    let mut waiting = change(&format!(
        r#"{{"name":"awaiting_payment","invoice":{{"payment_request":"lnbc1","payment_hash":"{HASH}","wallet":"wallet","expires_at":1763709240000}}}}"#
    ));
    assert_eq!(
        waiting.view().unwrap().invoice.unwrap().payment_request,
        "lnbc1"
    );
    waiting.apply(Event::Payment(HASH.to_owned(), Ok(facts(true))), START);
    assert_eq!(waiting.view().unwrap().state, StateName::Provisioning);
    let failed = change(
        r#"{"name":"failed","reason":{"code":"cloud_full"},"step":"done","attempt":{"since":0,"failures":0,"not_before":0,"in_flight":false}}"#,
    );
    assert_eq!(failed.owed().sats(), 10_000);
    assert_eq!(change(r#"{"name":"draft"}"#).bills, []);
}

#[test]
fn an_order_prints_no_secret() {
    let (mut order, mut now) = (paid(), START);
    drive(&mut order, &mut Cloud::default(), &mut now, None);
    order.expect_machine(&Secret::new("one-shot-marker"), now);
    let printed = format!("{order:?}");
    assert!(!printed.contains("tskey-auth-x") && !printed.contains("one-shot-marker"));
    let view = serde_json::to_string(&order.view()).unwrap();
    assert!(!view.contains("tskey-auth-x") && !view.contains("hook"));
}
