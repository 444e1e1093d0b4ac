use crate::machine::RecoveredTx;
use alloy_consensus::Transaction;
use rollwright_core::{B256, Bytes, Candidate, CandidateOutcome, CandidateSource, keccak256};
use std::collections::VecDeque;

/// Transactions offered to a block in a fixed order: a candidate source for
/// embedders and tests that keep no pool.
///
/// What does not fit is passed over and stays waiting; the outcome of
/// everything that was tried is kept.
#[derive(Clone, Debug, Default)]
pub struct TransactionList {
    waiting: VecDeque<Offered>,
    passed: Vec<Offered>,
    outcomes: Vec<(B256, CandidateOutcome)>,
}

#[derive(Clone, Debug)]
struct Offered {
    candidate: Candidate,
    gas_limit: u64,
}

impl TransactionList {
    /// Offers encoded transactions, first to last.
    pub fn new(transactions: impl IntoIterator<Item = Bytes>) -> Self {
        let waiting = transactions.into_iter().map(|bytes| Offered {
            // What cannot be decoded is offered, so that its outcome says so.
            gas_limit: RecoveredTx::envelope_of(&bytes)
                .map_or(0, |transaction| transaction.gas_limit()),
            candidate: Candidate {
                hash: keccak256(&bytes),
                bytes,
            },
        });
        Self {
            waiting: waiting.collect(),
            ..Self::default()
        }
    }

    /// What became of each transaction that was tried, in order.
    pub fn outcomes(&self) -> &[(B256, CandidateOutcome)] {
        &self.outcomes
    }

    /// What is left for a later block, in order: not tried, or told to wait.
    pub fn into_waiting(self) -> Vec<Bytes> {
        self.passed
            .into_iter()
            .chain(self.waiting)
            .map(|offered| offered.candidate.bytes)
            .collect()
    }
}

impl CandidateSource for TransactionList {
    fn next(&mut self, gas_left: u64, bytes_left: u64) -> Option<Candidate> {
        while let Some(offered) = self.waiting.pop_front() {
            let fits =
                offered.gas_limit <= gas_left && offered.candidate.bytes.len() as u64 <= bytes_left;
            if fits {
                return Some(offered.candidate);
            }
            self.passed.push(offered);
        }
        None
    }

    fn report(&mut self, candidate: &Candidate, outcome: CandidateOutcome) {
        if outcome == CandidateOutcome::Later {
            self.passed.push(Offered {
                candidate: candidate.clone(),
                gas_limit: 0,
            });
        }
        self.outcomes.push((candidate.hash, outcome));
    }
}
