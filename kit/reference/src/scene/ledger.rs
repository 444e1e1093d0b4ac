//! What every engine of scenes keeps.

use crate::now;
use alloy_primitives::{Address, B256};
use rollwright_core::{BlockInput, BlockRef, ExecuteOutcome, Executed, ForcedOutcome};
use rollwright_derive::Derivable;
use std::collections::{BTreeMap, HashMap};

/// An engine, and the nonces after each block that it executed.
#[derive(Debug)]
pub(super) struct Ledger<E> {
    pub(super) engine: E,
    genesis: BlockRef,
    nonces: HashMap<B256, BTreeMap<Address, u64>>,
}

impl<E: Derivable> Ledger<E> {
    /// At genesis.
    pub(super) fn new(engine: E) -> Result<Self, E::Error> {
        Ok(Self {
            genesis: now(engine.genesis())?,
            engine,
            nonces: HashMap::new(),
        })
    }

    /// Genesis block, genesis time, digest of the configuration.
    pub(super) fn genesis(&self) -> (BlockRef, u64, B256) {
        let time = self.engine.genesis_time();
        (self.genesis, time, self.engine.config_digest())
    }

    /// Executes a block, and counts its transactions, of which `read` tells
    /// sender and nonce.
    pub(super) fn execute(
        &mut self,
        input: &BlockInput,
        read: impl Fn(&[u8]) -> Option<(Address, u64)>,
    ) -> Result<ExecuteOutcome, E::Error> {
        let outcome = now(self.engine.execute(input))?;
        if let ExecuteOutcome::Valid(executed) = &outcome {
            self.count(input, executed, read);
        }
        Ok(outcome)
    }

    fn count(
        &mut self,
        input: &BlockInput,
        executed: &Executed,
        read: impl Fn(&[u8]) -> Option<(Address, u64)>,
    ) {
        let before = self.nonces.get(&input.parent.hash);
        let mut nonces = before.cloned().unwrap_or_default();
        let forced = input.forced.iter().zip(&executed.forced);
        let included = forced.filter_map(|(entry, outcome)| {
            matches!(outcome, ForcedOutcome::Included { .. }).then_some(&entry.bytes)
        });
        for bytes in included.chain(&input.transactions) {
            if let Some((sender, nonce)) = read(bytes) {
                nonces.insert(sender, nonce.saturating_add(1));
            }
        }
        self.nonces.insert(executed.block.hash, nonces);
    }

    /// How many transactions of an account are in the chain that ends in
    /// `head`.
    pub(super) fn nonce(&self, head: &BlockRef, of: Address) -> u64 {
        let nonces = self.nonces.get(&head.hash);
        nonces
            .and_then(|nonces| nonces.get(&of))
            .copied()
            .unwrap_or(0)
    }
}
