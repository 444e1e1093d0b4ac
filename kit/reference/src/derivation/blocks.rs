//! Blocks: their places and inputs (§5), and those of a silent sequencer (§7).

use super::{Event, Head, Reference};
use crate::{Executor, PayloadBlock, Payloads, Reason};
use alloy_primitives::{Address, Bytes};
use rollwright_core::{
    Anchor, BlockInput, DaOrdinal, DaPoint, ExecuteOutcome, ForcedBudget, InvalidBlock,
};

impl<P: Payloads> Reference<'_, P> {
    /// i − window ≤ o < i.
    pub(super) fn in_window(&self, i: u64, origin: u64) -> bool {
        let window = self.chain.config_at(i).timing.window;
        i.saturating_sub(window) <= origin && origin < i
    }

    /// Checks every block's place, of a batch that is opened at `i`.
    pub(super) fn check_places(&self, i: u64, blocks: &[PayloadBlock]) -> Result<(), Reason> {
        let mut parent = self.head;
        for block in blocks {
            if !self.in_window(i, block.origin) {
                return Err(Reason::PlaceWindow);
            }
            if self.chain.digest_at(block.origin) != self.chain.digest_at(blocks[0].origin) {
                return Err(Reason::PlaceDigest);
            }
            self.check_place(i, &parent, block)?;
            parent = parent.child(block.origin, block.timestamp);
        }
        Ok(())
    }

    fn check_place(&self, i: u64, parent: &Head, block: &PayloadBlock) -> Result<(), Reason> {
        let (origin, timestamp) = (block.origin, block.timestamp);
        let shape = self.chain.config_at(origin);
        let limits = self.chain.config_at(i).limits;
        if origin < parent.origin {
            return Err(Reason::PlaceBack);
        }
        if origin - parent.origin > shape.timing.max_step {
            return Err(Reason::PlaceStep);
        }
        if parent.child(origin, timestamp).on_origin > u64::from(shape.limits.origin_blocks) {
            return Err(Reason::PlaceBlocks);
        }
        let repeats = shape.timing.block_time_ms < 1_000 && timestamp == parent.timestamp;
        if timestamp <= parent.timestamp && !repeats {
            return Err(Reason::PlaceTime);
        }
        let time = self.headers[origin as usize].time;
        if timestamp < time || timestamp > time.saturating_add(shape.timing.drift_seconds) {
            return Err(Reason::PlaceDrift);
        }
        let bytes: u64 = block
            .transactions
            .iter()
            .map(|bytes| bytes.len() as u64)
            .sum();
        if block.transactions.len() as u64 > u64::from(limits.block_transactions)
            || bytes > limits.block_bytes
        {
            return Err(Reason::PlaceSize);
        }
        Ok(())
    }

    /// What makes a block on the head.
    pub(super) fn input(
        &self,
        origin: u64,
        timestamp: u64,
        fee_recipient: Address,
        transactions: Vec<Bytes>,
    ) -> BlockInput {
        let header = self.headers[origin as usize];
        let point = DaPoint {
            epoch: self.chain.epoch_at(origin).0,
            height: header.height,
            hash: header.hash,
        };
        let forced = self.chain.config_at(origin).forced;
        BlockInput {
            parent: self.head.block,
            timestamp,
            fee_recipient,
            gas_limit: self.chain.gas_limit_at(origin),
            anchor: Anchor::at(point, DaOrdinal(origin), header.data_root, header.time),
            forced: self.due(origin),
            forced_budget: ForcedBudget {
                gas: forced.block_gas,
                bytes: forced.block_bytes,
                validations: forced.block_validations,
            },
            transactions,
            ticks: Vec::new(),
            inbox: Vec::new(),
        }
    }

    /// Executes a block on the head, which moves to it where it is valid;
    /// says why where it is not.
    pub(super) fn execute<E: Executor>(
        &mut self,
        origin: u64,
        batch: Option<u64>,
        input: &BlockInput,
        executor: &mut E,
    ) -> Result<Option<InvalidBlock>, E::Error> {
        self.step.inputs.push(input.clone());
        let executed = match executor.execute(input)? {
            ExecuteOutcome::Valid(executed) => executed,
            ExecuteOutcome::Invalid(invalid) => return Ok(Some(invalid)),
        };
        let block = executed.block;
        self.head = Head {
            block,
            ..self.head.child(origin, input.timestamp)
        };
        self.settle(origin, &input.forced, &executed.forced);
        self.step.events.push(Event::Block {
            block,
            origin,
            batch,
        });
        Ok(None)
    }

    /// §7: a block of the deriver's own, where the sequencer is silent.
    pub(super) fn lapse<E: Executor>(&mut self, i: u64, executor: &mut E) -> Result<(), E::Error> {
        let config = self.chain.config_at(i);
        let silent = i.saturating_sub(self.head.origin) > config.timing.window;
        if silent && self.next_try.is_none() {
            self.next_try = Some(i);
            self.step.events.push(Event::Lapsed);
        }
        if self.next_try.is_none_or(|next| i < next) {
            return Ok(());
        }
        self.next_try = Some(i + 1);
        let time = self.headers[i as usize].time;
        if time > self.head.timestamp {
            let input = self.input(i, time, config.fee_vault, Vec::new());
            match self.execute(i, None, &input, executor)? {
                None => self.next_try = Some(i + config.timing.lapse_interval),
                Some(_) => self.drop(Reason::LapseInvalid, None, None),
            }
        }
        Ok(())
    }
}

impl Head {
    /// Where a child of this block stands, but for its number and hash.
    const fn child(self, origin: u64, timestamp: u64) -> Self {
        Self {
            block: self.block,
            timestamp,
            origin,
            on_origin: if origin == self.origin {
                self.on_origin + 1
            } else {
                1
            },
        }
    }
}
