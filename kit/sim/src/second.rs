//! The second derivation: the reference reads what the layer holds in the end.

use crate::{
    Judge, SimLayer,
    machine::{Chain, now},
};
use rollwright_core::{BlockInput, BlockRef, ExecuteOutcome, Execution, Heads};
use rollwright_derive::Derivable;
use rollwright_reference::{Chain as ReferenceChain, Executor, compare, derive};

/// An engine that puts each block on its chain: the reference executes them in
/// a line.
struct Line<E> {
    engine: E,
    genesis: BlockRef,
}

impl<E: Execution> Executor for Line<E> {
    type Error = E::Error;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, E::Error> {
        let outcome = now(self.engine.execute(input))?;
        if let ExecuteOutcome::Valid(executed) = &outcome {
            let heads = Heads {
                latest: executed.block,
                safe: self.genesis,
                finalized: self.genesis,
            };
            now(self.engine.set_heads(&heads, &[]))?;
        }
        Ok(outcome)
    }
}

/// Derives the layer's canonical chain by the reference, over an engine of its
/// own, and compares with what the judge derived, block for block and trace
/// for trace. `blind` hides the last blob from the reference.
///
/// Returns the first difference, for people.
pub(crate) fn differs<C: Chain>(
    chain: &C,
    judge: &Judge<C>,
    layer: &SimLayer,
    blind: bool,
) -> Option<String> {
    let engine = chain.open(&chain.store());
    let genesis = match now(engine.genesis()) {
        Ok(genesis) => genesis,
        Err(error) => return Some(error.to_string()),
    };
    let mut history = judge.history(layer);
    let last = history.blocks.iter_mut().rfind(|it| !it.blobs.is_empty());
    if let (Some(block), true) = (last, blind) {
        block.blobs.pop();
    }
    let told = ReferenceChain {
        genesis,
        genesis_time: engine.genesis_time(),
        config: engine.rollup_config().as_ref().clone(),
        digest: engine.config_digest(),
        amendments: judge.amendments.clone(),
    };
    let payloads = C::payloads(&engine);
    let mut line = Line { engine, genesis };
    match derive(&told, &payloads, &history, &mut line) {
        Err(error) => Some(error.to_string()),
        Ok(derivation) => compare(&derivation, judge.driven(), Some(judge.finalized()))
            .map(|difference| difference.to_string()),
    }
}
