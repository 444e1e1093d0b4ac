mod events;
mod processes;
mod settle;

use crate::{
    Condition, Conductor, Draw, Feeds, ForcedUser, Judge, LayerConfig, Oracle, Plan, Rotation,
    Sabotage, SimLayer, SimNode, Surroundings, Trace, Users, Violation,
    machine::{Chain, balances},
    oracle::{LIVENESS, REFERENCE},
};
use alloy_primitives::keccak256;
use rollwright_core::DaOrdinal;
use rollwright_derive::{Amendment, AmendmentChange, RollupConfig};
use rollwright_node::NodeHandle;
use std::time::Duration;

/// Time between two looks at everything.
const TICK_MS: u64 = 200;
/// Value is added up each so many looks: it takes long.
const VALUE_TICKS: u64 = 50;

/// Everything that a run consists of.
#[derive(Debug)]
pub struct World<C: Chain> {
    /// What is to happen.
    pub plan: Plan,
    /// The layers that nodes share.
    pub around: Surroundings<C>,
    /// The nodes, as in the plan.
    pub nodes: Vec<SimNode<C>>,
    /// Derives beside them.
    pub judge: Judge<C>,
    /// Send to the sequencer.
    pub users: Users,
    /// Uses the forced lane.
    pub forced_user: ForcedUser,
    /// Compares.
    pub oracle: Oracle,
    /// True while DA blocks come by themselves.
    pub mines: bool,
    /// True where the forced user posts.
    pub forces: bool,
    draw: Draw,
    next_block_ms: u64,
    next_event: usize,
    ticks: u64,
    skews: Vec<(usize, u64)>,
    rotated: bool,
    /// Where the derivers differ on a branch that was taken back since.
    differs: Option<String>,
}

impl<C: Chain> World<C> {
    /// A world with small constants, see [`small`](crate::small), and the
    /// amendments that the plan needs.
    pub fn new(plan: Plan) -> Self {
        let mut config = crate::small::<C>(plan.block_ms);
        if plan.rollup_block_ms == 0 {
            // Several blocks may have one timestamp, so that they may follow
            // upon each other at once.
            config.timing.block_time_ms = 250;
        }
        let amendments = plan.rotation.as_ref().map(Rotation::amendments);
        let mut amendments = amendments.unwrap_or_default();
        amendments.extend(plan.epochs.iter().map(|ordinal| Amendment {
            activation: DaOrdinal(*ordinal),
            change: AmendmentChange::DaEpoch(Box::new(config.da.clone())),
        }));
        amendments.sort_by_key(|amendment| amendment.activation);
        Self::with(plan, &config, amendments)
    }

    /// A world with a configuration of its own.
    pub fn with(plan: Plan, config: &RollupConfig, amendments: Vec<Amendment>) -> Self {
        let trace = Trace::begin();
        let draw = Draw::new(plan.seed);
        let settings = LayerConfig {
            block_ms: plan.block_ms,
            finality: plan.finality,
            max_blob_bytes: plan.blob_bytes,
            max_block_bytes: 256 * 1024,
        };
        let layer = |fork| SimLayer::new(settings.clone(), &draw.fork(fork), trace.clone());
        let epoch = |it: &&Amendment| matches!(it.change, AmendmentChange::DaEpoch(_));
        let epochs = amendments.iter().filter(epoch).count() as u64;
        let later = (0..epochs).map(|epoch| layer(20 + epoch)).collect();
        let layer = layer(10).continued(later);
        let chain = C::new(config);
        let mut judge = Judge::new(&chain, amendments.clone());
        judge.catch_up(&layer);
        let around = Surroundings {
            chain,
            layer,
            feeds: Feeds::new(trace.clone()),
            trace: trace.clone(),
            conductor: Conductor::begin(draw.fork(14)),
            amendments,
        };
        let node = |(index, node): (usize, &crate::NodePlan)| {
            SimNode::new(index, node.role, node.joins_ms, &trace)
        };
        Self {
            nodes: plan.nodes.iter().enumerate().map(node).collect(),
            judge,
            users: Users::new(draw.fork(11), plan.load),
            forced_user: ForcedUser::new(draw.fork(12)),
            oracle: Oracle::new(&plan, trace),
            around,
            mines: true,
            forces: true,
            draw: draw.fork(13),
            next_block_ms: plan.block_ms,
            next_event: 0,
            ticks: 0,
            skews: Vec::new(),
            rotated: false,
            differs: None,
            plan,
        }
    }

    /// Virtual milliseconds since the run began.
    pub fn now_ms(&self) -> u64 {
        self.around.trace.elapsed_ms()
    }

    /// The handle of a node that is up.
    pub fn handle(&self, node: usize) -> Option<NodeHandle> {
        let process = self.nodes.get(node)?.process.as_ref()?;
        match process.condition() {
            Condition::Running(handle) => Some(handle),
            _ => None,
        }
    }

    /// Lets time pass, with whatever the plan has for it.
    pub async fn pass(&mut self, ms: u64) -> Result<(), Violation> {
        let until = self.now_ms() + ms;
        while self.now_ms() < until {
            self.tick().await?;
        }
        Ok(())
    }

    /// Lets time pass until something holds, at most so many seconds.
    pub async fn until(
        &mut self,
        what: &'static str,
        seconds: u64,
        mut holds: impl FnMut(&Self) -> bool,
    ) -> Result<(), Violation> {
        let last = self.now_ms() + seconds * 1_000;
        while !holds(self) {
            if self.now_ms() >= last {
                return Err(self
                    .oracle
                    .violated(LIVENESS, format!("not so in {seconds} s: {what}")));
            }
            self.tick().await?;
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Violation> {
        tokio::time::sleep(Duration::from_millis(TICK_MS)).await;
        self.ticks += 1;
        let now_ms = self.now_ms();
        if self.around.conductor.spins() {
            let detail = "tasks wake each other without end";
            return Err(self.oracle.violated(LIVENESS, detail));
        }
        while let Some(event) = self.plan.events.get(self.next_event).cloned()
            && event.at_ms <= now_ms
        {
            self.next_event += 1;
            self.happen(&event);
        }
        if let Some(difference) = self.differs.take() {
            return Err(self.oracle.violated(REFERENCE, difference));
        }
        if !self.rotated && self.plan.rotation.is_some_and(|it| it.at_ms <= now_ms) {
            self.rotate();
        }
        self.skews.retain(|(node, until)| {
            let over = *until <= now_ms;
            if over && let Some(node) = self.nodes.get(*node) {
                node.clock.set_skew_ms(0);
            }
            !over
        });
        if self.mines && now_ms >= self.next_block_ms {
            self.next_block_ms += self.plan.block_ms;
            self.mine();
        }
        self.processes()?;
        let handle = self.handle(0);
        let process = self.nodes.first().and_then(|node| node.process.as_ref());
        let (conductor, trace) = (&self.around.conductor, &self.around.trace);
        self.users.turn(process, handle.as_ref(), conductor, trace);
        self.look()
    }

    /// Makes a DA block now.
    pub fn mine(&mut self) {
        self.around.layer.mine();
        self.judge.catch_up(&self.around.layer);
        let height = self.around.layer.read(crate::Layer::height);
        if self.forces
            && let Some(bytes) = self
                .forced_user
                .turn(&self.judge, height, self.users.active)
        {
            self.around.trace.say("forced", &keccak256(&bytes));
            if self.plan.sabotage != Some(Sabotage::ForcedIsCensored) {
                let blob = crate::Forger::new(&self.judge).forced(&[bytes]);
                self.present_layer().post(blob);
            }
        }
    }

    /// Nonce of an account in the derived state.
    pub fn nonce(&self, account: usize) -> u64 {
        let address = C::account(account);
        let found = balances(&self.judge.engine, self.judge.head(), &[address]);
        found.first().map_or(0, |(_, nonce)| *nonce)
    }
}
