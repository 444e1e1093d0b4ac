//! Processes that start, die, fail, and start again.

use super::World;
use crate::{
    Condition, SimRole, Surroundings, Violation, machine::Chain, node::snapshot, oracle::NO_FAILURE,
};
use rollwright_core::{ChainStore, ErrorKind, LayerError};

impl<C: Chain> World<C> {
    pub(super) fn processes(&mut self) -> Result<(), Violation> {
        let now_ms = self.now_ms();
        for at in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(at) else {
                continue;
            };
            if node.starts_ms.is_some_and(|starts| starts <= now_ms) {
                let joins = !node.joined();
                let of = first_store(&self.around, at, node.role).filter(|_| joins);
                let (role, late) = (node.role, node.starts_ms > Some(5_000));
                let fresh = of.map(|of| self.snapshot_of(of));
                if joins {
                    let snapshot = matches!(fresh, Some(Some(_)));
                    self.count_joiner(role, late, snapshot);
                }
                let (plan, around) = (self.plan.clone(), self.around.clone());
                if let Some(node) = self.nodes.get_mut(at) {
                    let store = || fresh.flatten().unwrap_or_else(|| around.chain.store());
                    node.start(&plan, &around, store);
                }
                continue;
            }
            let condition = node.process.as_ref().map(crate::Process::condition);
            match condition {
                Some(Condition::Dead) => self.bury(at)?,
                Some(Condition::Failed(error)) => self.failed(at, &error)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn count_joiner(&self, role: SimRole, late: bool, snapshot: bool) {
        let trace = &self.around.trace;
        if snapshot {
            trace.count("joiner from a snapshot");
        } else if late {
            trace.count("late joiner from the first DA block");
        }
        match role {
            SimRole::Follower => trace.count("follower of DA alone"),
            SimRole::Replica { of: 0 } => trace.count("replica of the sequencer"),
            SimRole::Replica { .. } => trace.count("replica of another node"),
            SimRole::Sequencer | SimRole::FromSnapshot { .. } => {}
        }
    }

    /// A store from a snapshot of a node's chain, where it has one.
    fn snapshot_of(&self, of: usize) -> Option<C::Store> {
        let process = self.nodes.get(of)?.process.as_ref();
        // Nothing but the store is read; it has to be one that is not in use
        // by a process in the middle of a write, and none is between two polls.
        let engine = process.map(|process| process.engine.inner().clone())?;
        engine.heads().ok()?;
        snapshot(&self.around.chain, &engine, &self.around.amendments)
    }

    fn bury(&mut self, at: usize) -> Result<(), Violation> {
        let now_ms = self.now_ms();
        let chain = self.around.chain.clone();
        let Some(node) = self.nodes.get_mut(at) else {
            return Ok(());
        };
        let Some(process) = node.process.take() else {
            return Ok(());
        };
        node.starts_ms = Some(now_ms + node.down_ms);
        let Some(node) = self.nodes.get(at) else {
            return Ok(());
        };
        self.oracle.died(node, &process, &chain)
    }

    /// A node stopped by itself. Where the layer has pruned what it needs, its
    /// operator takes a snapshot; nothing else is a reason.
    fn failed(&mut self, at: usize, error: &rollwright_node::NodeError) -> Result<(), Violation> {
        let pruned = error.kind() == ErrorKind::Pruned && at > 0;
        if !pruned {
            let detail = format!("n{at}: {error}");
            return Err(self.oracle.violated(NO_FAILURE, detail));
        }
        let trace = &self.around.trace;
        trace.count("node that needs what is pruned");
        let what = "needs what is pruned: begins from a snapshot";
        trace.say(&format!("n{at}"), &what);
        self.oracle.forget(at);
        let store = self.snapshot_of(0);
        let now_ms = self.now_ms();
        if let Some(node) = self.nodes.get_mut(at) {
            if let Some(process) = node.process.take() {
                process.life.kill();
            }
            node.store = store;
            node.starts_ms = Some(now_ms + 1_000);
        }
        Ok(())
    }
}

/// Whose snapshot a node begins with, where it does not begin with genesis.
fn first_store<C: Chain>(around: &Surroundings<C>, at: usize, role: SimRole) -> Option<usize> {
    match role {
        SimRole::FromSnapshot { of } => Some(of),
        // Genesis is of no use any more.
        _ if at > 0 && around.layer.read(crate::Layer::oldest) > 0 => Some(0),
        _ => None,
    }
}
