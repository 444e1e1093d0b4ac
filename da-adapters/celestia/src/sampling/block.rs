//! The samples of one block: what to ask next, and what an answer means.

use super::{Place, SampleSecret, confidence, draw};
use crate::TrustedHeader;
use alloy_primitives::B256;
use celestia_types::sample::{Sample, SampleId};
use std::{collections::BTreeMap, sync::Arc};

/// Longest pause between two rounds over all endpoints.
const MAX_PAUSE_MS: u64 = 300_000;

/// Shares to ask one endpoint for, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which endpoint, as numbered by whoever asks.
    pub endpoint: usize,
    /// Where the shares stand.
    pub places: Vec<Place>,
}

/// Why a question gave no samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The endpoint says that it cannot give them.
    Refused,
    /// What it gave does not hold.
    Lied,
    /// There was no answer.
    Unreachable,
    /// The endpoint says that the block is older than what it keeps.
    Pruned,
}

impl Failure {
    /// In a word, as `--json` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Lied => "lied",
            Self::Unreachable => "unreachable",
            Self::Pruned => "pruned",
        }
    }
}

/// A share that no endpoint has given yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingSample {
    /// Where it stands.
    pub place: Place,
    /// What came of the last question for it; `None` before the first.
    pub failure: Option<Failure>,
}

/// What is known of a block's availability.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleReport {
    /// The block's height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// Root over the roots of rows and columns.
    pub data_root: B256,
    /// Width of the extended square.
    pub width: u16,
    /// Samples that must be verified before the block is called available.
    pub wanted: usize,
    /// Samples that were.
    pub verified: usize,
    /// Endpoints that gave them. One alone shows only that it has the data.
    pub endpoints: usize,
    /// The chance that withholding would have been noticed, by the verified
    /// samples, from 0 to 1.
    pub confidence: f64,
    /// Rounds over all endpoints that left samples open.
    pub rounds: u32,
    /// Samples that are open.
    pub missing: Vec<MissingSample>,
}

impl SampleReport {
    /// True where every sample was verified.
    pub const fn is_available(&self) -> bool {
        self.wanted > 0 && self.verified == self.wanted
    }

    /// True where an endpoint was asked for a share and did not give it, and
    /// no other has.
    pub fn is_withheld(&self) -> bool {
        let kept = |missing: &MissingSample| {
            matches!(missing.failure, Some(Failure::Refused | Failure::Lied))
        };
        self.rounds > 0 && self.missing.iter().any(kept)
    }
}

#[derive(Clone, Debug)]
struct Open {
    place: Place,
    /// The endpoint that is asked first, of those that may be asked.
    first: usize,
    /// Those that were asked in this round.
    asked: Vec<usize>,
    /// Not together with others: one share that is withheld makes an endpoint
    /// refuse all that are asked for with it.
    alone: bool,
    /// In this round an endpoint failed otherwise than for the block's age.
    otherwise: bool,
    failure: Option<Failure>,
}

impl Open {
    /// The endpoint to ask next in this round.
    fn next(&self, endpoints: &[usize]) -> Option<usize> {
        (0..endpoints.len())
            .filter_map(|turn| endpoints.get((self.first.wrapping_add(turn)) % endpoints.len()))
            .find(|endpoint| !self.asked.contains(endpoint))
            .copied()
    }
}

/// The samples of one block. Pure: it asks by value, and is told what came.
///
/// A sample that was drawn is never exchanged for another one.
#[derive(Clone, Debug)]
pub struct BlockSampling {
    header: Arc<TrustedHeader>,
    open: Vec<Open>,
    given: BTreeMap<Place, usize>,
    rounds: u32,
    pruned: bool,
    due_ms: u64,
    pause_ms: u64,
}

impl BlockSampling {
    /// Draws `samples` shares of a block whose header is believed. After a
    /// round without success the next begins `pause_ms` later, and each
    /// further one after twice the pause.
    pub fn new(
        header: Arc<TrustedHeader>,
        secret: &SampleSecret,
        samples: u16,
        pause_ms: u64,
    ) -> Self {
        let places = draw(secret, header.height(), header.extended_width(), samples);
        let open = places
            .into_iter()
            .enumerate()
            .map(|(first, place)| Open {
                place,
                first,
                asked: Vec::new(),
                alone: false,
                otherwise: false,
                failure: None,
            })
            .collect();
        Self {
            header,
            open,
            given: BTreeMap::new(),
            rounds: 0,
            pruned: false,
            due_ms: 0,
            pause_ms: pause_ms.max(1),
        }
    }

    /// The block's height.
    pub fn height(&self) -> u64 {
        self.header.height()
    }

    /// When there is something to ask; 0 at once.
    pub const fn due_ms(&self) -> u64 {
        self.due_ms
    }

    /// Questions for all open samples, spread over the endpoints that may be
    /// asked; each sample goes to one endpoint after the other. Empty before
    /// [`due_ms`](Self::due_ms), without endpoints, and when nothing is open.
    ///
    /// Every question must be followed by [`answered`](Self::answered) or
    /// [`failed`](Self::failed), and all of them by [`rest`](Self::rest).
    pub fn questions(&self, endpoints: &[usize], now_ms: u64) -> Vec<Question> {
        if now_ms < self.due_ms {
            return Vec::new();
        }
        let (mut shared, mut alone) = (BTreeMap::<usize, Vec<Place>>::new(), Vec::new());
        for open in &self.open {
            let Some(endpoint) = open.next(endpoints) else {
                continue;
            };
            if open.alone {
                alone.push(Question {
                    endpoint,
                    places: vec![open.place],
                });
            } else {
                shared.entry(endpoint).or_default().push(open.place);
            }
        }
        let shared = shared
            .into_iter()
            .map(|(endpoint, places)| Question { endpoint, places });
        shared.chain(alone).collect()
    }

    /// Whether an answer holds: for each place asked for, in order, the share
    /// that stands there, by a proof against the header's roots.
    pub fn check(&self, question: &Question, samples: &[Sample]) -> Result<(), String> {
        if samples.len() != question.places.len() {
            return Err(format!(
                "{} samples were asked for, {} given",
                question.places.len(),
                samples.len()
            ));
        }
        for (place, sample) in question.places.iter().zip(samples) {
            let at = |error: &dyn std::fmt::Display| {
                format!("share {}, {}: {error}", place.row, place.column)
            };
            let id = SampleId::new(place.row, place.column, self.height())
                .map_err(|error| at(&error))?;
            sample
                .verify(id, self.header.dah())
                .map_err(|error| at(&error))?;
        }
        Ok(())
    }

    /// Takes an answer: the samples count where all of them hold.
    pub fn answered(&mut self, question: &Question, samples: &[Sample]) -> Result<(), String> {
        self.check(question, samples)
            .inspect(|()| self.given(question))
            .inspect_err(|_| self.failed(question, Failure::Lied))
    }

    /// The answer was checked and holds.
    pub(super) fn given(&mut self, question: &Question) {
        for place in &question.places {
            if let Some(at) = self.open.iter().position(|open| open.place == *place) {
                self.open.remove(at);
                self.given.insert(*place, question.endpoint);
            }
        }
    }

    /// A question gave nothing. What an endpoint refuses together it is asked
    /// for alone; otherwise the next one is asked.
    pub fn failed(&mut self, question: &Question, failure: Failure) {
        let together = question.places.len() > 1 && failure == Failure::Refused;
        for open in &mut self.open {
            if question.places.contains(&open.place) {
                if together {
                    open.alone = true;
                } else {
                    open.asked.push(question.endpoint);
                    open.otherwise |= failure != Failure::Pruned;
                    open.failure = Some(failure);
                }
            }
        }
    }

    /// Ends a round where all endpoints that may be asked were asked for every
    /// open sample; the next one comes after a pause. True where a round ended.
    pub fn rest(&mut self, endpoints: &[usize], now_ms: u64) -> bool {
        let left = |open: &Open| open.next(endpoints).is_some();
        if self.open.is_empty() || self.open.iter().any(left) {
            return false;
        }
        let pause = self
            .pause_ms
            .saturating_mul(1 << self.rounds.min(16))
            .min(MAX_PAUSE_MS);
        self.rounds = self.rounds.saturating_add(1);
        self.pruned = self.open.iter().all(|open| !open.otherwise);
        self.due_ms = now_ms.saturating_add(pause);
        for open in &mut self.open {
            open.asked.clear();
            open.otherwise = false;
            // Another endpoint begins.
            open.first = open.first.wrapping_add(1);
        }
        true
    }

    /// True where in the last round every endpoint said of every open sample
    /// that the block is too old: one that says so alone hides nothing.
    pub const fn is_pruned(&self) -> bool {
        self.pruned
    }

    /// What is known by now.
    pub fn report(&self) -> SampleReport {
        let facts = self.header.facts();
        let mut endpoints: Vec<_> = self.given.values().collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        SampleReport {
            height: facts.height.0,
            hash: facts.hash,
            data_root: facts.data_root,
            width: self.header.extended_width(),
            wanted: self.open.len() + self.given.len(),
            verified: self.given.len(),
            endpoints: endpoints.len(),
            confidence: confidence(self.header.extended_width(), self.given.len()),
            rounds: self.rounds,
            missing: self
                .open
                .iter()
                .map(|open| MissingSample {
                    place: open.place,
                    failure: open.failure,
                })
                .collect(),
        }
    }
}

#[cfg(all(test, feature = "devnet"))]
mod tests;
