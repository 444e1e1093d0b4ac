use crate::{
    Condition, Conductor, Draw, Event, Feeds, ForcedUser, Judge, LayerConfig, Oracle, Plan,
    Sabotage, SimLayer, SimNode, SimRole, Spell, Surroundings, Trace, Users, Violation, What,
    machine::{Chain, balances},
    node::snapshot,
    oracle::{AGREEMENT, FORCED, LIVENESS, NO_FAILURE, NOTHING_LOST, ONCE, REFERENCE},
    second,
};
use alloy_primitives::{B256, Bytes, keccak256};
use rollwright_core::{BlockId, ChainStore, ErrorKind, LayerError, NodeApi};
use rollwright_derive::{Amendment, RollupConfig};
use rollwright_node::NodeHandle;
use std::{collections::BTreeSet, time::Duration};

/// Time between two looks at everything.
const TICK_MS: u64 = 200;
/// Value is added up each so many looks: it takes long.
const VALUE_TICKS: u64 = 50;
/// Longest time from the end of all faults until everything goes on, in DA
/// blocks: two windows, and what nodes need to notice.
const PATIENCE_BLOCKS: u64 = 110;

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
}

impl<C: Chain> World<C> {
    /// A world with small constants; see [`small`](crate::small).
    pub fn new(plan: Plan) -> Self {
        let config = crate::small::<C>(plan.block_ms);
        Self::with(plan, &config, Vec::new())
    }

    /// A world with a configuration of its own.
    pub fn with(plan: Plan, config: &RollupConfig, amendments: Vec<Amendment>) -> Self {
        let trace = Trace::begin();
        let draw = Draw::new(plan.seed);
        let layer = LayerConfig {
            block_ms: plan.block_ms,
            finality: plan.finality,
            max_blob_bytes: plan.blob_bytes,
            max_block_bytes: 256 * 1024,
        };
        let layer = SimLayer::new(layer, &draw.fork(10), trace.clone());
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
                self.around.layer.post(blob);
            }
        }
    }

    /// A node's process dies now, and starts again after a while.
    pub fn kill(&mut self, node: usize, down_ms: u64) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.down_ms = down_ms;
            if let Some(process) = &node.process {
                process.life.kill();
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
        self.around.layer.post(blob.into());
    }

    /// Posts blobs in order.
    pub fn post_all(&self, blobs: impl IntoIterator<Item = Bytes>) {
        blobs.into_iter().for_each(|blob| self.post(blob));
    }

    /// The layer takes blocks back; see [`Layer::reorganise`](crate::Layer::reorganise).
    pub fn reorganise(&mut self, depth: u64, more: u64, forget: bool) {
        let time = self.around.trace.now_ms() / 1_000;
        let undone = self.around.layer.change(|layer| {
            let depth = depth.min(layer.undoable());
            layer.reorganise(depth, depth + more, forget, time)
        });
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

    fn happen(&mut self, event: &Event) {
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
                let lost = self.around.layer.change(crate::Layer::lose_waiting);
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
                let blobs = hostile.blobs(&self.judge, &self.around.layer, &mut self.draw);
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

    fn processes(&mut self) -> Result<(), Violation> {
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

    /// Checks everything that must hold at any time.
    fn look(&mut self) -> Result<(), Violation> {
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

    /// Nonce of an account in the derived state.
    pub fn nonce(&self, account: usize) -> u64 {
        let address = C::account(account);
        let found = balances(&self.judge.engine, self.judge.head(), &[address]);
        found.first().map_or(0, |(_, nonce)| *nonce)
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
