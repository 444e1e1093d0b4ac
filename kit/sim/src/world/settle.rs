//! What must hold at any time, and what must hold once all faults have ended.

use super::{VALUE_TICKS, World};
use crate::{
    Condition, Sabotage, SimRole, Violation,
    machine::Chain,
    oracle::{AGREEMENT, FORCED, LIVENESS, NOTHING_LOST, ONCE, REFERENCE},
    second,
};
use alloy_primitives::{B256, keccak256};
use rollwright_core::{BlockId, ChainStore, NodeApi};
use std::collections::BTreeSet;

/// Longest time from the end of all faults until everything goes on, in DA
/// blocks: two windows, and what nodes need to notice.
const PATIENCE_BLOCKS: u64 = 110;

impl<C: Chain> World<C> {
    /// Checks everything that must hold at any time.
    pub(super) fn look(&mut self) -> Result<(), Violation> {
        self.oracle.forced_queue(&self.judge)?;
        let all = self.ticks.is_multiple_of(VALUE_TICKS);
        for node in &self.nodes {
            let Some(process) = &node.process else {
                continue;
            };
            let handle = match process.condition() {
                Condition::Running(handle) => Some(handle),
                _ => None,
            };
            self.oracle
                .look(node, process, handle.as_ref(), &self.judge)?;
            if all && let Ok(heads) = process.engine.inner().heads() {
                let engine = process.engine.inner();
                self.oracle.value::<C>(&node.name(), engine, heads.latest)?;
            }
        }
        Ok(())
    }

    /// Ends all faults and the load, and waits until everything goes on; then
    /// checks what must hold at the end.
    pub async fn settle(&mut self) -> Result<(), Violation> {
        let now_ms = self.now_ms();
        self.around.trace.say("plan", &"all faults end");
        self.next_event = self.plan.events.len();
        self.users.active = false;
        self.around.layer.clear_up();
        if self.plan.rotation.is_some() && !self.rotated {
            self.rotate();
        }
        for node in &mut self.nodes {
            node.clock.set_skew_ms(0);
            node.down_ms = 1_000;
            node.starts_ms = node.starts_ms.map(|starts| starts.min(now_ms + 1_000));
        }
        self.skews.clear();
        let last = now_ms + PATIENCE_BLOCKS * self.plan.block_ms + 20_000;
        loop {
            self.pass(2_000).await?;
            match self.missing() {
                None => break,
                Some((invariant, missing)) if self.now_ms() >= last => {
                    return Err(self.oracle.violated(invariant, missing));
                }
                Some(_) => {}
            }
        }
        self.judge_all()
    }

    /// What is not as it should be once faults have ended, and which invariant
    /// that breaks if it stays so.
    fn missing(&self) -> Option<(&'static str, String)> {
        let stands = |detail| Some((LIVENESS, detail));
        for node in &self.nodes {
            if self.handle(node.index).is_none() {
                return stands(format!("{} is not up", node.name()));
            }
        }
        let included: BTreeSet<_> = self
            .judge
            .transactions()
            .into_iter()
            .map(|(_, bytes)| keccak256(&bytes))
            .collect();
        let known = self.users.acknowledged.keys();
        let waiting: Vec<_> = known.filter(|hash| !included.contains(*hash)).collect();
        if let Some(first) = waiting.first() {
            let there = self.sequencer_has();
            let lost = waiting.iter().find(|hash| !there.contains(**hash));
            let invariant = lost.map_or(LIVENESS, |_| NOTHING_LOST);
            let hash = lost.unwrap_or(first);
            return Some((invariant, format!("transaction {hash} is not derived")));
        }
        if self.forced_user.waits() {
            return Some((FORCED, "a forced transaction is not derived".into()));
        }
        let last = self.judge.state().last_ordinal()?.0;
        for node in &self.nodes {
            let status = self.handle(node.index)?.status();
            let derived = status.derived_ordinal.map_or(0, |ordinal| ordinal.0);
            if derived + 4 < last {
                return stands(format!("{} has derived {derived} of {last}", node.name()));
            }
            if status.derived.is_some_and(|at| !self.judge.stands(at.hash)) {
                // It has yet to learn of a reorganisation, as a layer that
                // answers nothing keeps from it.
                return stands(format!("{} stands on a lost DA block", node.name()));
            }
            if let Some(blocked) = status.blocked.filter(|_| node.role == SimRole::Sequencer) {
                return stands(format!("{} is blocked: {blocked}", node.name()));
            }
        }
        None
    }

    /// What waits in the sequencer's pool, or stands in its chain.
    fn sequencer_has(&self) -> BTreeSet<B256> {
        let process = self.nodes.first().and_then(|node| node.process.as_ref());
        let mut there = BTreeSet::new();
        if let Some(process) = process {
            let engine = process.engine.inner();
            let latest = engine.heads().map_or(0, |heads| heads.latest.number);
            let all = crate::judge::transactions(engine, latest);
            there.extend(all.iter().map(|(_, bytes)| keccak256(bytes)));
        }
        if let Some(handle) = self.handle(0) {
            let api = handle.api();
            let known = self.users.acknowledged.keys();
            there.extend(known.filter(|hash| api.pool_transaction(hash).is_some()));
        }
        there
    }

    fn judge_all(&mut self) -> Result<(), Violation> {
        let blind = self.plan.sabotage == Some(Sabotage::ReferenceMissesABlob);
        let around = &self.around;
        let differs = second::differs(&around.chain, &self.judge, &around.layer, blind);
        if let Some(difference) = differs {
            return Err(self.oracle.violated(REFERENCE, difference));
        }
        let twice = self.around.layer.submitted_twice();
        if let Some(blob) = twice.first() {
            let detail = format!("a blob of {} bytes went out in two units", blob.len());
            return Err(self.oracle.violated(ONCE, detail));
        }
        let head = self.judge.head();
        let known = &self.users.acknowledged;
        let derived = self.judge.transactions();
        let acknowledged = derived
            .iter()
            .filter(|(_, bytes)| known.contains_key(&keccak256(bytes)));
        let needed = acknowledged.map(|(number, _)| *number).max().unwrap_or(0);
        self.oracle
            .transactions::<C>("derivation", &self.judge.engine, head.number, known)?;
        self.oracle
            .value::<C>("derivation", &self.judge.engine, head)?;
        for node in &self.nodes {
            let Some(process) = &node.process else {
                continue;
            };
            let engine = process.engine.inner();
            let Ok(heads) = engine.heads() else { continue };
            for number in 1..=heads.safe.number.min(head.number) {
                let id = BlockId::Number(number);
                let (Ok(Some(ours)), Ok(Some(theirs))) =
                    (self.judge.engine.block(id), engine.block(id))
                else {
                    // Below a snapshot.
                    continue;
                };
                if ours.block != theirs.block {
                    let detail = format!("{}: safe block {number} differs", node.name());
                    return Err(self.oracle.violated(AGREEMENT, detail));
                }
            }
            let whole = engine
                .block(BlockId::Number(1))
                .is_ok_and(|it| it.is_some());
            if whole && heads.safe.number >= needed {
                let up_to = heads.latest.number;
                self.oracle
                    .transactions::<C>(&node.name(), engine, up_to, known)?;
            }
            self.oracle.value::<C>(&node.name(), engine, heads.latest)?;
        }
        Ok(())
    }
}
