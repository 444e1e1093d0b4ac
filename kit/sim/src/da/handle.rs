use super::{
    Layer, LayerConfig, SimDaError, Spell, SpellKind,
    chain::Taking,
    proof,
    weather::{Met, Weather},
};
use crate::{Draw, Life, START_MS, Sabotage, Trace, engine::short};
use alloy_primitives::{B256, Bytes};
use parking_lot::Mutex;
use rollwright_core::{
    Blob, BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaFinality, DaHead, DaHeader, DaHeight,
    DaLane, DataAvailability, Fee, PostingUnit, Proof, Submission, SubmissionStatus,
};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// The layer with its weather, and those of the DA epochs after it. Clones
/// share it.
#[derive(Clone, Debug)]
pub struct SimLayer {
    inner: Arc<Mutex<Inner>>,
    trace: Trace,
    later: Vec<SimLayer>,
}

#[derive(Debug)]
struct Inner {
    layer: Layer,
    weather: Weather,
    draw: Draw,
    /// Every blob that nodes submitted, with the units it came in.
    submitted: BTreeMap<Bytes, Vec<rollwright_core::UnitId>>,
}

impl SimLayer {
    /// A layer that begins with the run.
    pub fn new(config: LayerConfig, draw: &Draw, trace: Trace) -> Self {
        let layer = Layer::new(config, draw.fork(1), START_MS / 1_000);
        Self {
            inner: Arc::new(Mutex::new(Inner {
                layer,
                weather: Weather {
                    spells: Vec::new(),
                    draw: draw.fork(2),
                },
                draw: draw.fork(3),
                submitted: BTreeMap::new(),
            })),
            trace,
            later: Vec::new(),
        }
    }

    /// Those of further DA epochs, which make their blocks at the same time.
    #[must_use]
    pub fn continued(mut self, later: Vec<SimLayer>) -> Self {
        self.later = later;
        self
    }

    /// Those of the DA epochs after the first one.
    pub fn later(&self) -> &[SimLayer] {
        &self.later
    }

    /// All of them, the first epoch's first.
    pub fn all(&self) -> impl Iterator<Item = &SimLayer> {
        std::iter::once(self).chain(&self.later)
    }

    /// That of a DA epoch.
    pub fn of(&self, epoch: u32) -> Option<&SimLayer> {
        match epoch.checked_sub(1) {
            None => Some(self),
            Some(later) => self.later.get(later as usize),
        }
    }

    /// Looks at the chain, past all weather.
    pub fn read<T>(&self, read: impl FnOnce(&Layer) -> T) -> T {
        read(&self.inner.lock().layer)
    }

    /// Changes the chain.
    pub fn change<T>(&self, change: impl FnOnce(&mut Layer) -> T) -> T {
        change(&mut self.inner.lock().layer)
    }

    /// A spell begins, over every layer.
    pub fn begin(&self, spell: Spell) {
        for later in &self.later {
            later.begin(spell.clone());
        }
        self.inner.lock().weather.spells.push(spell);
    }

    /// All spells end.
    pub fn clear_up(&self) {
        self.inner.lock().weather.spells.clear();
        self.later.iter().for_each(Self::clear_up);
    }

    /// Makes a block on each layer whose weather allows it.
    pub fn mine(&self) {
        self.mine_one();
        self.later.iter().for_each(Self::mine_one);
    }

    fn mine_one(&self) {
        let now_ms = self.trace.elapsed_ms();
        let mut inner = self.inner.lock();
        let Inner {
            layer,
            weather,
            draw,
            ..
        } = &mut *inner;
        if weather.is(&SpellKind::Stall, now_ms) {
            self.trace.count("stall");
            return;
        }
        let waits = layer.waiting() > 1;
        let taking = Taking {
            shuffled: weather.is(&SpellKind::Shuffle, now_ms),
            piecemeal: weather.is(&SpellKind::Piecemeal, now_ms),
        };
        if waits && taking.shuffled {
            self.trace.count("shuffled units");
        }
        if waits && taking.piecemeal {
            self.trace.count("unit in pieces");
        }
        layer.mine(self.trace.now_ms() / 1_000, taking);
        let chance = weather.duplicated(now_ms);
        let block = layer.archived(layer.height());
        for blob in block.iter().flat_map(|block| &block.blobs) {
            if chance > 0 && draw.permille(chance) {
                self.trace.count("duplicated blob");
                layer.post(Blob {
                    lane: blob.lane,
                    data: blob.data.clone(),
                });
            }
        }
        let (height, blobs) = (layer.height(), block.map_or(0, |block| block.blobs.len()));
        let hash = layer.head(0).observed.hash;
        drop(inner);
        self.say(&format_args!(
            "block {height} {} with {blobs} blobs",
            short(hash)
        ));
    }

    /// Somebody posts a blob, by whichever lane.
    pub fn post(&self, data: Bytes) {
        let lane = DaLane::Batch;
        self.change(|layer| layer.post(Blob { lane, data }));
    }

    /// Blobs that nodes submitted in more than one unit.
    pub fn submitted_twice(&self) -> Vec<Bytes> {
        let inner = self.inner.lock();
        let twice = inner.submitted.iter().filter(|(_, units)| units.len() > 1);
        let ours = twice.map(|(data, _)| data.clone());
        ours.chain(self.later.iter().flat_map(Self::submitted_twice))
            .collect()
    }

    fn say(&self, what: &dyn fmt::Display) {
        self.trace.say("da", what);
    }
}

/// The layer as one process of a node reaches it.
#[derive(Clone, Debug)]
pub struct SimDa {
    layer: SimLayer,
    node: usize,
    life: Life,
    sabotage: Option<Sabotage>,
}

impl SimDa {
    /// A handle for a process of the node with this index.
    pub const fn new(layer: SimLayer, node: usize, life: Life, sabotage: Option<Sabotage>) -> Self {
        Self {
            layer,
            node,
            life,
            sabotage,
        }
    }

    /// What the call meets on its way. Fails where it does not arrive.
    async fn arrive(&self, what: &str) -> Result<Met, SimDaError> {
        self.life.seam().await;
        let now_ms = self.layer.trace.elapsed_ms();
        let met = self.layer.inner.lock().weather.meet(self.node, now_ms);
        let wait_ms = met
            .hangs_until
            .map_or(met.delay_ms, |until| until.saturating_sub(now_ms).max(1));
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        self.life.seam().await;
        if met.hangs_until.is_some() {
            self.count("hanging call");
        }
        if met.refused {
            self.count("refused call");
        }
        if met.delay_ms > 1_000 {
            self.count("slow call");
        }
        if met.behind > 0 {
            self.count("old view of the layer");
        }
        if met.refused || met.hangs_until.is_some() {
            self.say(&format_args!("{what} fails"));
            return Err(SimDaError::Unwilling);
        }
        Ok(met)
    }

    fn answer<T>(
        &self,
        met: Met,
        what: &str,
        answer: Result<T, SimDaError>,
        shown: impl FnOnce(&T) -> String,
    ) -> Result<T, SimDaError> {
        let answer = if met.answer_lost {
            self.count("lost answer");
            Err(SimDaError::Unwilling)
        } else {
            answer
        };
        match &answer {
            Ok(value) => self.say(&format_args!("{what} → {}", shown(value))),
            Err(error) => self.say(&format_args!("{what} → {error}")),
        }
        answer
    }

    fn say(&self, what: &dyn fmt::Display) {
        self.layer.trace.say(self.life.name(), what);
    }

    fn count(&self, what: &'static str) {
        self.layer.trace.count(what);
    }

    fn take(&self, unit: &PostingUnit) -> Result<Option<Vec<BlobRef>>, SimDaError> {
        let mut inner = self.layer.inner.lock();
        for blob in &unit.blobs {
            let units = inner.submitted.entry(blob.data.clone()).or_default();
            if !units.contains(&unit.id) {
                units.push(unit.id);
            }
        }
        if self.sabotage == Some(Sabotage::PostsTwice) {
            let again = PostingUnit::new(B256::repeat_byte(0xee), unit.blobs.clone());
            for blob in &again.blobs {
                let units = inner.submitted.entry(blob.data.clone()).or_default();
                if !units.contains(&again.id) {
                    units.push(again.id);
                }
            }
            inner.layer.submit(&again)?;
        }
        inner.layer.submit(unit)
    }
}

impl DataAvailability for SimDa {
    type Error = SimDaError;

    fn caps(&self) -> DaCaps {
        self.layer.read(|layer| {
            let config = layer.config();
            DaCaps {
                layer: "simulated".into(),
                network: "sim".into(),
                lanes: vec![DaLane::Batch, DaLane::Forced],
                max_blob_bytes: config.max_blob_bytes,
                max_unit_bytes: config.max_block_bytes,
                block_time: Duration::from_millis(config.block_ms),
                finality: DaFinality::Depth(config.finality),
                retention: None,
            }
        })
    }

    async fn head(&self) -> Result<DaHead, SimDaError> {
        let what = "head";
        let mut met = self.arrive(what).await?;
        if self.sabotage == Some(Sabotage::HeadStandsStill) {
            let above = self.layer.read(Layer::height).saturating_sub(8);
            met.behind = met.behind.max(above);
        }
        let head = self.layer.read(|layer| layer.head(met.behind));
        self.answer(met, what, Ok(head), |head| {
            format!("{} {}", head.observed.height, short(head.observed.hash))
        })
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, SimDaError> {
        let what = &format!("submit {}", short(unit.id.0));
        let met = self.arrive(what).await?;
        let status = self.take(unit).map(|placed| match placed {
            Some(blobs) => SubmissionStatus::Included { blobs },
            None => SubmissionStatus::Accepted,
        });
        let submission = status.map(|status| Submission {
            unit: unit.id,
            status,
            fee: Some(Fee {
                amount: 1,
                unit: "sim".into(),
            }),
        });
        self.answer(met, what, submission, |done| match &done.status {
            SubmissionStatus::Included { .. } => "included".into(),
            SubmissionStatus::Accepted => "taken".into(),
        })
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, SimDaError> {
        let what = &format!("fetch {height}");
        let met = self.arrive(what).await?;
        let mut block = self.layer.read(|layer| layer.block(height, met.behind));
        if let (Ok(found), Some(hash)) = (&block, hash)
            && found.header.hash != hash
        {
            block = Err(SimDaError::NotCanonical(height));
        }
        if self.sabotage == Some(Sabotage::BlobsAreLeftOut)
            && let Ok(block) = &mut block
        {
            block.blobs.pop();
        }
        self.answer(met, what, block, |block| short(block.header.hash))
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, SimDaError> {
        let met = self.arrive("prove").await?;
        let block = self
            .layer
            .read(|layer| layer.block(blob.block.height, met.behind))?;
        if block.header.hash != blob.block.hash {
            return Err(SimDaError::NotCanonical(blob.block.height));
        }
        let stands = block.blobs.get(blob.index as usize);
        if stands.is_none_or(|stands| stands.reference != *blob) {
            return Err(SimDaError::NoProof);
        }
        Ok(block.completeness)
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), SimDaError> {
        proof::verify(header, claim, proof)
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, SimDaError> {
        let what = &format!("canonical {}", block.height);
        let met = self.arrive(what).await?;
        let found = self
            .layer
            .read(|layer| layer.block(block.height, met.behind));
        let answer = match found {
            Ok(found) => Ok(found.header.hash == block.hash),
            Err(SimDaError::NotYet(_)) => Ok(false),
            Err(error) => Err(error),
        };
        self.answer(met, what, answer, ToString::to_string)
    }
}
