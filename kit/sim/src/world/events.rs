//! What happens to the nodes and the layer, by the plan or by a test.

use super::World;
use crate::{
    Event, Spell, What,
    machine::{Chain, SECOND_KEY},
    second,
};
use alloy_primitives::Bytes;
use rollwright_core::NodeApi;

impl<C: Chain> World<C> {
    /// A node's process dies now, and starts again after a while.
    pub fn kill(&mut self, node: usize, down_ms: u64) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.down_ms = down_ms;
            if let Some(process) = &node.process {
                process.life.kill();
            }
        }
    }

    /// The sequencer's operator stops it, and starts it with the second key.
    pub fn rotate(&mut self) {
        self.rotated = true;
        let trace = &self.around.trace;
        trace.count("another sequencer key");
        trace.say("plan", &"the sequencer changes its key");
        if let Some(node) = self.nodes.first_mut() {
            node.key = SECOND_KEY;
            if let Some(process) = &mut node.process {
                process.stop(&self.around.conductor);
                node.down_ms = 1_000;
            }
        }
    }

    /// Something of the plan happens now.
    pub fn now(&mut self, what: What) {
        let at_ms = self.now_ms();
        self.happen(&Event { at_ms, what });
    }

    /// Posts a blob as anybody may.
    pub fn post(&self, blob: impl Into<Bytes>) {
        self.present_layer().post(blob.into());
    }

    /// The layer of the DA epoch that the next block belongs to.
    pub fn present_layer(&self) -> &crate::SimLayer {
        let next = self.judge.state().next_ordinal();
        let epoch = self.judge.rules.epoch_at(next).index;
        self.around.layer.of(epoch).unwrap_or(&self.around.layer)
    }

    /// Posts blobs in order.
    pub fn post_all(&self, blobs: impl IntoIterator<Item = Bytes>) {
        blobs.into_iter().for_each(|blob| self.post(blob));
    }

    /// Each layer takes blocks back; see
    /// [`Layer::reorganise`](crate::Layer::reorganise).
    pub fn reorganise(&mut self, depth: u64, more: u64, forget: bool) {
        let time = self.around.trace.now_ms() / 1_000;
        let present = self.present_layer().read(crate::Layer::undoable);
        let before = self.around.layer.read(crate::Layer::undoable);
        let depth = depth.min(present.max(before));
        if depth > 0 && self.differs.is_none() {
            // What stands now is not there any more in the end.
            self.around.trace.count("abandoned branch derived twice");
            self.differs =
                second::differs(&self.around.chain, &self.judge, &self.around.layer, false);
        }
        let mut undone = 0;
        for layer in self.around.layer.all() {
            undone = undone.max(layer.change(|layer| {
                let depth = depth.min(layer.undoable());
                layer.reorganise(depth, depth + more, forget, time)
            }));
        }
        let trace = &self.around.trace;
        if undone > 0 {
            trace.count("reorganisation");
        }
        if undone > 0 && forget {
            trace.count("reorganisation that forgets");
        }
        if undone + 1 >= self.plan.finality {
            trace.count("reorganisation down to what is final");
        }
        self.around
            .trace
            .say("da", &format_args!("takes back {undone} blocks"));
        self.judge.catch_up(&self.around.layer);
    }

    pub(super) fn happen(&mut self, event: &Event) {
        let now_ms = self.now_ms();
        self.around
            .trace
            .say("plan", &format_args!("{:?}", event.what));
        match &event.what {
            What::Kill {
                node,
                death,
                down_ms,
            } => {
                if let Some(node) = self.nodes.get_mut(*node)
                    && let Some(process) = &node.process
                {
                    process.life.doom(*death);
                    node.down_ms = *down_ms;
                }
            }
            What::Stop { node, down_ms } => {
                if let Some(node) = self.nodes.get_mut(*node)
                    && let Some(process) = &mut node.process
                {
                    self.around.trace.count("stop in order");
                    process.stop(&self.around.conductor);
                    node.down_ms = *down_ms;
                }
            }
            What::Weather { node, for_ms, kind } => self.around.layer.begin(Spell {
                node: *node,
                until_ms: now_ms + for_ms,
                kind: kind.clone(),
            }),
            What::Reorganise {
                depth,
                more,
                forget,
            } => self.reorganise(*depth, *more, *forget),
            What::LoseWaiting => {
                let lose = |layer: &crate::SimLayer| layer.change(crate::Layer::lose_waiting);
                let lost: usize = self.around.layer.all().map(lose).sum();
                let trace = &self.around.trace;
                if lost > 0 {
                    trace.count("lost unit");
                }
                trace.say("da", &format_args!("loses {lost} units"));
            }
            What::Prune { keep } => self.prune(*keep),
            What::Skew { node, ms, for_ms } => {
                if let Some(node) = self.nodes.get(*node) {
                    self.around.trace.count("wrong clock");
                    node.clock.set_skew_ms(*ms);
                    self.skews.push((node.index, now_ms + for_ms));
                }
            }
            What::Post(hostile) => {
                let layer = self.present_layer().clone();
                let blobs = hostile.blobs(&self.judge, &layer, &mut self.draw);
                self.post_all(blobs);
            }
        }
    }

    /// Stops serving old blocks, but not those that the sequencer needs.
    fn prune(&mut self, keep: u64) {
        let height = self.around.layer.read(crate::Layer::height);
        let needed = self.handle(0).and_then(|handle| handle.status().derived);
        let needed = needed.map_or(0, |point| point.height.0);
        let below = height
            .saturating_sub(keep)
            .min(needed.saturating_sub(self.plan.finality + 1));
        if below > self.around.layer.read(crate::Layer::oldest) {
            self.around.trace.count("pruning");
        }
        self.around.layer.change(|layer| layer.prune_below(below));
    }
}
