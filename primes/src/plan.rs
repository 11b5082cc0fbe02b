//! Who does what: parts the search among workers, however many there are and however fast each is.
//!
//! The plan knows only what it is told, so it can be driven by anything. Every task is a function of the seed alone: it may be done
//! twice, late or never, as long as somebody does it in the end.

use crate::sieve::WINDOW;
use crate::start::Prime;
use std::collections::VecDeque;

/// How many odd numbers behind their starting points the primes of a key stand. They say nothing without the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Of p.
    pub p: u32,
    /// Of q.
    pub q: u32,
}

/// One piece of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Find out which counters of a window are worth a test.
    Sieve {
        /// Of which prime.
        prime: Prime,
        /// The window's number.
        window: u32,
    },
    /// Test these one by one, until one passes.
    Test {
        /// Of which prime.
        prime: Prime,
        /// Rising.
        counters: Vec<u32>,
    },
    /// Have the library judge what has passed.
    Confirm {
        /// Of which prime.
        prime: Prime,
        /// What has passed.
        counter: u32,
    },
}

/// What came of a [`Task`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The counters that the sieve has left, rising.
    Survivors(Vec<u32>),
    /// The first one that has passed, if any.
    Tested(Option<u32>),
    /// The library's verdict.
    Confirmed(bool),
}

/// Names a task that was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u32);

/// The engine that did the work cannot be right: what it took for a prime is none, or it finds none where there must be some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distrust;

/// Windows without a prime until the engine is held for broken: none of 4 has one in e^-46 of all cases.
const MOST_WINDOWS: u32 = 4;
/// How many are ever given the same task.
const MOST_COPIES: usize = 4;
/// Tests until a prime turns up, on average: one odd number in ln(2^2048)/2 ≈ 710 is prime, and the sieve leaves 8.1 % of them.
const EXPECTED_TESTS: f32 = 57.5;

/// A search under way.
pub struct Plan {
    /// Candidates in one task: few enough that nobody waits for the last one, enough that talking about them takes no time.
    tests_per_task: usize,
    halves: [Half; 2],
    /// Handed out and not answered yet, the oldest first, and how often.
    out: VecDeque<(Ticket, Task, usize)>,
    last: u32,
}

/// The search for one of the primes.
struct Half {
    prime: Prime,
    windows: u32,
    /// What the sieve left and nobody has got yet, rising.
    survivors: VecDeque<u32>,
    /// The lowest one that has passed so far.
    passed: Option<u32>,
    tests: u32,
    verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    None,
    Asked,
    Confirmed,
}

impl Plan {
    /// A search that has not begun.
    pub fn new(tests_per_task: usize) -> Self {
        let half = |prime| Half {
            prime,
            windows: 0,
            survivors: VecDeque::new(),
            passed: None,
            tests: 0,
            verdict: Verdict::None,
        };
        Self {
            tests_per_task,
            halves: Prime::BOTH.map(half),
            out: VecDeque::new(),
            last: 0,
        }
    }

    /// What is left of a search whose end is remembered: the judgement.
    pub fn to_confirm(Counters { p, q }: Counters) -> Self {
        let mut plan = Self::new(1);
        for (half, counter) in plan.halves.iter_mut().zip([p, q]) {
            half.windows = 1;
            half.passed = Some(counter);
        }
        plan
    }

    /// Work for somebody who has none. Where all is handed out it is what the fewest others have, and those for longest: a worker may be slow,
    /// or gone. `None` where even that is done.
    pub fn hand_out(&mut self) -> Option<(Ticket, Task)> {
        let Some(task) = self.fresh() else {
            let rarest = self.out.iter_mut().min_by_key(|(_, _, copies)| *copies);
            let (ticket, task, copies) = rarest.filter(|(_, _, copies)| *copies < MOST_COPIES)?;
            *copies += 1;
            return Some((*ticket, task.clone()));
        };
        self.last += 1;
        let ticket = Ticket(self.last);
        self.out.push_back((ticket, task.clone(), 1));
        Some((ticket, task))
    }

    fn fresh(&mut self) -> Option<Task> {
        // Both sieves first, side by side; then p before q, so that all work for one and little is tested in vain.
        let sieving = |half: &&mut Half| half.windows == 0;
        if let Some(half) = self.halves.iter_mut().find(sieving) {
            return Some(half.sieve());
        }
        let tests_per_task = self.tests_per_task;
        for i in 0..self.halves.len() {
            let is_sieving = self.is_out(|task| matches!(task, Task::Sieve { .. }), i);
            let half = &mut self.halves[i];
            if half.passed.is_some() {
                continue;
            }
            if !half.survivors.is_empty() {
                let some = tests_per_task.min(half.survivors.len());
                return Some(Task::Test {
                    prime: half.prime,
                    counters: half.survivors.drain(..some).collect(),
                });
            }
            if !is_sieving {
                return Some(half.sieve());
            }
        }
        // Confirmed together at the end, side by side.
        let found = [0, 1].map(|i| self.found(i));
        let [Some(_), Some(_)] = found else {
            return None;
        };
        for (half, counter) in self.halves.iter_mut().zip(found) {
            if let (Verdict::None, Some(counter)) = (half.verdict, counter) {
                half.verdict = Verdict::Asked;
                return Some(Task::Confirm {
                    prime: half.prime,
                    counter,
                });
            }
        }
        None
    }

    /// Takes an answer. Says the primes' places once both are found and confirmed.
    ///
    /// # Errors
    /// [`Distrust`]: this plan is over; another engine should begin anew.
    pub fn done(&mut self, ticket: Ticket, outcome: Outcome) -> Result<Option<Counters>, Distrust> {
        let Some(at) = self.out.iter().position(|(other, ..)| *other == ticket) else {
            // Somebody else was faster.
            return Ok(None);
        };
        let Some((_, task, _)) = self.out.remove(at) else {
            return Ok(None);
        };
        match (task, outcome) {
            (Task::Sieve { prime, window }, Outcome::Survivors(survivors)) => {
                let half = self.half(prime);
                if window >= MOST_WINDOWS {
                    return Err(Distrust);
                }
                half.survivors.extend(survivors);
            }
            (Task::Test { prime, counters }, Outcome::Tested(passed)) => {
                let half = self.half(prime);
                half.tests += counters.len() as u32;
                if let Some(passed) = passed {
                    if !counters.contains(&passed) {
                        return Err(Distrust);
                    }
                    let lowest = half.passed.map_or(passed, |other| other.min(passed));
                    half.passed = Some(lowest);
                    self.forget_above(prime, lowest);
                }
            }
            (Task::Confirm { prime, .. }, Outcome::Confirmed(true)) => {
                self.half(prime).verdict = Verdict::Confirmed;
            }
            _ => return Err(Distrust),
        }
        let is_confirmed = |half: &Half| half.verdict == Verdict::Confirmed;
        if self.halves.iter().all(is_confirmed) {
            return Ok(self.counters());
        }
        Ok(None)
    }

    /// Where both primes stand, as far as the engine can tell: there is no lower one left to test.
    pub fn counters(&self) -> Option<Counters> {
        let (p, q) = (self.found(0)?, self.found(1)?);
        Some(Counters { p, q })
    }

    /// How likely the search was to be over by now, 0 to 1; it never falls.
    pub fn progress(&self) -> f32 {
        let parts = self.halves.iter().enumerate().map(|(i, half)| {
            let is_found = self.found(i).is_some();
            let expected = 1.0 - (-(half.tests as f32) / EXPECTED_TESTS).exp();
            if is_found { 1.0 } else { expected }
        });
        parts.sum::<f32>() / 2.0
    }

    /// Nobody has to do again what is no longer needed.
    fn forget_above(&mut self, of: Prime, lowest: u32) {
        self.out.retain(|(_, task, _)| match task {
            Task::Sieve { prime, .. } => *prime != of,
            Task::Test { prime, counters } => {
                *prime != of || counters.first().is_some_and(|first| *first < lowest)
            }
            Task::Confirm { .. } => true,
        });
    }

    fn half(&mut self, prime: Prime) -> &mut Half {
        &mut self.halves[prime as usize]
    }

    /// The half's prime, once everything below it has failed.
    fn found(&self, i: usize) -> Option<u32> {
        let passed = self.halves[i].passed?;
        let is_below = |task: &Task| match task {
            Task::Test { counters, .. } => counters.first().is_some_and(|first| *first < passed),
            _ => false,
        };
        (!self.is_out(is_below, i)).then_some(passed)
    }

    fn is_out(&self, which: impl Fn(&Task) -> bool, half: usize) -> bool {
        self.out.iter().any(|(_, task, _)| {
            let (Task::Sieve { prime, .. }
            | Task::Test { prime, .. }
            | Task::Confirm { prime, .. }) = task;
            *prime as usize == half && which(task)
        })
    }
}

impl Half {
    fn sieve(&mut self) -> Task {
        self.windows += 1;
        Task::Sieve {
            prime: self.prime,
            window: self.windows - 1,
        }
    }
}

const _: () = assert!(MOST_WINDOWS < u32::MAX / WINDOW);

#[cfg(test)]
mod tests {
    use super::*;

    /// A world with primes at these counters and none else; every third counter survives the sieve.
    const PRIMES: [(Prime, u32); 5] = [
        (Prime::P, 300),
        (Prime::P, 303),
        (Prime::P, 9000),
        (Prime::Q, 8193),
        (Prime::Q, 8196),
    ];
    const ANSWER: Counters = Counters { p: 300, q: 8193 };

    fn perform(task: &Task) -> Outcome {
        match task {
            Task::Sieve { window, .. } => {
                let window = window * WINDOW..(window + 1) * WINDOW;
                Outcome::Survivors(window.filter(|counter| counter % 3 == 0).collect())
            }
            Task::Test { prime, counters } => Outcome::Tested(
                counters
                    .iter()
                    .copied()
                    .find(|counter| PRIMES.contains(&(*prime, *counter))),
            ),
            Task::Confirm { prime, counter } => {
                Outcome::Confirmed(PRIMES.contains(&(*prime, *counter)))
            }
        }
    }

    /// A generator good enough to choose who answers next.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, n: usize) -> usize {
            let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = next.wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % n
        }
    }

    #[test]
    fn any_number_of_workers_in_any_order_find_the_same() {
        for seed in 0..200 {
            let mut chance = Chance(seed);
            let workers = 1 + chance.below(8);
            // The first ones are never heard of again after their first task.
            let lost = chance.below(workers.min(MOST_COPIES));
            let mut plan = Plan::new(1 + chance.below(6));
            let mut busy: Vec<Option<(Ticket, Task)>> = vec![None; workers];
            let mut last = 0.0;
            let found = loop {
                for task in busy.iter_mut().filter(|task| task.is_none()) {
                    *task = plan.hand_out();
                }
                let at = lost + chance.below(workers - lost);
                let Some((ticket, task)) = busy[at].take() else {
                    assert!(
                        busy[lost..].iter().any(Option::is_some),
                        "all wait for nothing"
                    );
                    continue;
                };
                let found = plan.done(ticket, perform(&task)).unwrap();
                assert!(
                    (last..=1.0).contains(&plan.progress()),
                    "{}",
                    plan.progress()
                );
                last = plan.progress();
                if let Some(found) = found {
                    break found;
                }
            };
            assert_eq!(found, ANSWER, "{seed}");
            assert_eq!(last, 1.0);
        }
    }

    #[test]
    fn what_is_no_longer_needed_is_not_handed_out_again() {
        let mut plan = Plan::new(200);
        let hand_out = |plan: &mut Plan| plan.hand_out().unwrap();
        for (ticket, task) in [hand_out(&mut plan), hand_out(&mut plan)] {
            assert_eq!(plan.done(ticket, perform(&task)), Ok(None));
        }
        let (low, high) = (hand_out(&mut plan), hand_out(&mut plan));
        assert_eq!(plan.done(low.0, perform(&low.1)), Ok(None));
        // p is found, so what remains are tests for q, and they are all that is ever doubled.
        let mut others = 0;
        while let Some((ticket, task)) = plan.hand_out() {
            assert_ne!(ticket, high.0);
            others += 1;
            if plan.counters().is_none() {
                let _ = plan.done(ticket, perform(&task));
            }
        }
        assert!(others > 0);
        assert_eq!(plan.done(high.0, perform(&high.1)), Ok(None));
    }

    fn alone(mut perform: impl FnMut(&Task) -> Outcome) -> Result<Counters, Distrust> {
        let mut plan = Plan::new(4);
        loop {
            let (ticket, task) = plan.hand_out().unwrap();
            if let Some(found) = plan.done(ticket, perform(&task))? {
                return Ok(found);
            }
        }
    }

    #[test]
    fn both_sieves_come_first_and_both_judgements_last() {
        let mut plan = Plan::new(4);
        let tasks: Vec<Task> = (0..2).map(|_| plan.hand_out().unwrap().1).collect();
        let sieve = |prime| Task::Sieve { prime, window: 0 };
        assert_eq!(tasks, Prime::BOTH.map(sieve));
        let mut seen = Vec::new();
        let found = alone(|task| {
            seen.push(task.clone());
            perform(task)
        });
        assert_eq!(found, Ok(ANSWER));
        let confirm = |prime, counter| Task::Confirm { prime, counter };
        let last = [confirm(Prime::P, ANSWER.p), confirm(Prime::Q, ANSWER.q)];
        assert_eq!(seen[seen.len() - 2..], last);
        // One worker alone does nothing twice.
        for (i, task) in seen.iter().enumerate() {
            assert!(!seen[..i].contains(task), "{task:?}");
        }
    }

    #[test]
    fn a_remembered_end_is_only_judged() {
        let judged = |counters: Counters| {
            let mut plan = Plan::to_confirm(counters);
            let mut tasks = [plan.hand_out().unwrap(), plan.hand_out().unwrap()];
            tasks.reverse();
            tasks
                .into_iter()
                .map(|(ticket, task)| plan.done(ticket, perform(&task)))
                .collect::<Vec<_>>()
        };
        assert_eq!(judged(ANSWER), [Ok(None), Ok(Some(ANSWER))]);
        let mistyped = Counters { p: 301, ..ANSWER };
        assert_eq!(judged(mistyped), [Ok(None), Err(Distrust)]);
    }

    #[test]
    fn an_engine_that_lies_is_found_out() {
        let says_prime = |task: &Task| match task {
            Task::Test { counters, .. } => Outcome::Tested(counters.first().copied()),
            other => perform(other),
        };
        let says_none = |task: &Task| match task {
            Task::Test { .. } => Outcome::Tested(None),
            other => perform(other),
        };
        let says_another = |task: &Task| match task {
            Task::Test { .. } => Outcome::Tested(Some(1)),
            other => perform(other),
        };
        let mixes_up = |_: &Task| Outcome::Confirmed(true);
        assert_eq!(alone(says_prime), Err(Distrust));
        assert_eq!(alone(says_none), Err(Distrust));
        assert_eq!(alone(says_another), Err(Distrust));
        assert_eq!(alone(mixes_up), Err(Distrust));
    }
}
