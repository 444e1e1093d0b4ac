//! The light client: follows headers, asks for samples, remembers.

use super::{
    BlockSampling, SampleReport, SampleSecret,
    ask::{Turn, ask},
    heads,
    store::{Identity, LightStore, Sampled},
};
use crate::{
    CelestiaConfig, CelestiaError, Checkpoint, endpoints::Endpoints, follow::HeaderChain,
    journal::Journal,
};
use celestia_types::nmt::Namespace;
use rollwright_core::{Clock, DaHeader, ErrorKind, LayerError};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// Blocks whose first round is under way at the same time.
const FRESH: usize = 8;

/// Blocks with open samples; as long as there are so many, no further one is
/// begun.
const OPEN: usize = 64;

/// Whose journal of headers it is: no rollup's.
const JOURNAL: &[u8] = b"light";

/// What a light client needs to know.
#[derive(Clone, Debug)]
pub struct LightConfig {
    /// RPC addresses of nodes; samples are spread over them.
    pub endpoints: Vec<String>,
    /// Sent to each of them.
    pub token: Option<String>,
    /// The chain id; `None` takes that of the checkpoint, or of the first
    /// header that a node gives.
    pub network: Option<String>,
    /// Where trust begins; without it the first header that a node gives is
    /// believed.
    pub checkpoint: Option<Checkpoint>,
    /// How old the newest trusted header may be when newer ones are judged by
    /// it; `None` on a devnet.
    pub trusting_period: Option<Duration>,
    /// Samples a block, at least one.
    pub samples: u16,
    /// Folder for headers and progress; `None` keeps them in memory.
    pub folder: Option<PathBuf>,
    /// Nominal time between blocks. Twice in it the newest header is asked
    /// for; ten of them without a block are called stale; after one a round
    /// that left samples open is repeated.
    pub block_time: Duration,
    /// How long one question may take.
    pub request_timeout: Duration,
}

impl LightConfig {
    /// The defaults of a public network: 16 samples a block.
    pub fn new(endpoints: Vec<String>) -> Self {
        Self {
            endpoints,
            token: None,
            network: None,
            checkpoint: None,
            trusting_period: Some(Duration::from_secs(9 * 86_400)),
            samples: 16,
            folder: None,
            block_time: Duration::from_millis(2_600),
            request_timeout: Duration::from_secs(10),
        }
    }
}

/// Something that a light client found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LightEvent {
    /// There is a newer block, whose header is believed.
    Head(DaHeader),
    /// Every sample of a block was verified.
    Available(SampleReport),
    /// A round over all endpoints left samples of a block open; it is repeated.
    /// The block may not be available.
    Open(SampleReport),
    /// These heights were not sampled: no node serves them any more.
    Skipped {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// The newest block is older than ten block times: the network rests, or
    /// the nodes hide what is new.
    Stale {
        /// The newest height that is believed.
        height: u64,
        /// Its age in milliseconds.
        age_ms: u64,
    },
    /// An endpoint knows no newer block than this, others do.
    Behind {
        /// Its address.
        endpoint: String,
        /// The height that it calls the newest.
        height: u64,
    },
    /// An endpoint did not answer, or not rightly. Told once until it answers
    /// otherwise.
    Endpoint {
        /// Its address.
        endpoint: String,
        /// What is wrong.
        error: CelestiaError,
    },
}

/// A light client of Celestia: it believes headers that lead from its trust
/// root, and calls a block available once its own random samples were given
/// and verified, never before.
///
/// What it knows is durable before it is told. After a restart it goes on with
/// the first height that is open, with the same samples.
#[derive(Debug)]
pub struct LightClient {
    config: LightConfig,
    clock: Arc<dyn Clock>,
    endpoints: Arc<Endpoints>,
    chain: Arc<HeaderChain>,
    store: LightStore,
    identity: Identity,
    blocks: BTreeMap<u64, BlockSampling>,
    next: u64,
    head: DaHeader,
    look_ms: u64,
    begin_ms: u64,
    stale: bool,
    told: BTreeSet<(usize, &'static str)>,
}

impl LightClient {
    /// Opens the folder and finds the network's head. `secret` decides the
    /// samples where the folder is new; afterwards the folder's own does.
    ///
    /// Sampling begins at the checkpoint, without one at the newest block.
    /// `Fatal` where a setting, the folder or the trust root is not usable;
    /// errors of the endpoints as [`turn`](Self::turn) has them.
    pub async fn open(
        config: LightConfig,
        clock: Arc<dyn Clock>,
        secret: &SampleSecret,
    ) -> Result<Self, CelestiaError> {
        if config.samples == 0 {
            return Err(CelestiaError::Config {
                key: "sampling",
                reason: "a light client takes at least one sample of each block".to_owned(),
            });
        }
        let file = |name: &str| config.folder.as_ref().map(|folder| folder.join(name));
        let store = LightStore::open(file("light.redb").as_deref())?;
        let known = store.identity()?;
        let mut node = adapter_config(&config)?;
        let endpoints = Arc::new(Endpoints::new(&node, Arc::clone(&clock))?);
        node.network = match (&config.network, &known) {
            (Some(network), Some(known)) if *network != known.network => {
                return Err(CelestiaError::WrongNetwork {
                    expected: network.clone(),
                    found: known.network.clone(),
                });
            }
            (Some(network), _) => network.clone(),
            (None, Some(known)) => known.network.clone(),
            (None, None) => heads::network(&endpoints, config.checkpoint).await?,
        };
        let journal = Journal::open(file("headers.redb").as_deref(), &node.network, JOURNAL)?;
        let chain = HeaderChain::new(&node, Arc::clone(&clock), Arc::new(journal))?;
        let chain = Arc::new(chain);
        let head = heads::look(&endpoints, &chain).await?.newest;
        let identity = match known {
            Some(known) => known,
            None => {
                let first = config
                    .checkpoint
                    .map_or(head.height.0, |checkpoint| checkpoint.height.0);
                let identity = Identity::new(&node.network, secret, first);
                store.set_identity(&identity)?;
                identity
            }
        };
        Ok(Self {
            next: store.first_open(identity.first)?,
            config,
            clock,
            endpoints,
            chain,
            store,
            identity,
            blocks: BTreeMap::new(),
            head,
            look_ms: 0,
            begin_ms: 0,
            stale: false,
            told: BTreeSet::new(),
        })
    }

    /// The chain id that every header must name.
    pub fn network(&self) -> &str {
        &self.identity.network
    }

    /// The newest block whose header is believed.
    pub const fn head(&self) -> DaHeader {
        self.head
    }

    /// The next height whose sampling will begin.
    pub const fn next_height(&self) -> u64 {
        self.next
    }

    /// Blocks with open samples, ascending.
    pub fn open_blocks(&self) -> Vec<SampleReport> {
        self.blocks.values().map(BlockSampling::report).collect()
    }

    /// True where every block up to the newest is available or was skipped.
    pub fn is_caught_up(&self) -> bool {
        self.blocks.is_empty() && self.next > self.head.height.0
    }

    /// When there is something to do, in Unix milliseconds.
    pub fn due_ms(&self) -> u64 {
        let begin = (self.next <= self.head.height.0 && self.has_room()).then_some(self.begin_ms);
        let blocks = self.blocks.values().map(BlockSampling::due_ms);
        blocks
            .chain([self.look_ms])
            .chain(begin)
            .min()
            .unwrap_or(self.look_ms)
    }

    /// As [`turn`](Self::turn), after waiting until something is due.
    pub async fn step(&mut self) -> Result<Vec<LightEvent>, CelestiaError> {
        let pause = self.due_ms().saturating_sub(self.clock.now_ms());
        if pause > 0 {
            self.clock.sleep(Duration::from_millis(pause)).await;
        }
        self.turn().await
    }

    /// Does what is due now: newer headers, samples, rounds to repeat. Returns
    /// what was found, often nothing.
    ///
    /// Dropped midway it forgets open questions and nothing else. Fails with
    /// what a person must act on: a fork, an expired checkpoint, another
    /// network, no endpoint left that did not lie, a broken disk. What passes
    /// is an event.
    pub async fn turn(&mut self) -> Result<Vec<LightEvent>, CelestiaError> {
        let mut events = Vec::new();
        if self.clock.now_ms() >= self.look_ms {
            self.look(&mut events).await?;
        }
        if self.clock.now_ms() >= self.begin_ms {
            self.begin(&mut events).await?;
        }
        if self.endpoints.usable().is_empty() {
            let (height, what) = self.endpoints.all_aside().unwrap_or_default();
            return Err(CelestiaError::NoHonestEndpoint { height, what });
        }
        let turn = ask(&self.endpoints, &mut self.blocks, self.clock.now_ms()).await;
        self.settle(turn, &mut events)?;
        Ok(events)
    }

    fn has_room(&self) -> bool {
        let fresh = |block: &&BlockSampling| block.due_ms() == 0;
        self.blocks.len() < OPEN && self.blocks.values().filter(fresh).count() < FRESH
    }

    fn block_ms(&self) -> u64 {
        u64::try_from(self.config.block_time.as_millis()).unwrap_or(u64::MAX)
    }

    /// Looks for a newer header.
    async fn look(&mut self, events: &mut Vec<LightEvent>) -> Result<(), CelestiaError> {
        let found = heads::look(&self.endpoints, &self.chain).await;
        let now = self.clock.now_ms();
        self.look_ms = now.saturating_add((self.block_ms() / 2).max(1));
        let heads = match found {
            Ok(heads) => heads,
            Err(error) if error.kind() != ErrorKind::Fatal => {
                self.trouble(None, error, events);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for (number, error) in heads.troubles {
            self.trouble(Some(number), error, events);
        }
        if heads.newest.height > self.head.height {
            self.head = heads.newest;
            events.push(LightEvent::Head(self.head));
        }
        let limit = self.block_ms().saturating_mul(10);
        let age_ms = now.saturating_sub(self.head.time.saturating_mul(1_000));
        let stale = age_ms > limit;
        if stale && !self.stale {
            events.push(LightEvent::Stale {
                height: self.head.height.0,
                age_ms,
            });
        }
        self.stale = stale;
        for (number, height, time_ms) in heads.offered {
            let behind = height < self.head.height.0 && now.saturating_sub(time_ms) > limit;
            if !behind {
                self.told.retain(|(told, _)| *told != number);
            } else if self.told.insert((number, "behind")) {
                events.push(LightEvent::Behind {
                    endpoint: self.endpoints.name(number).to_owned(),
                    height,
                });
            }
        }
        Ok(())
    }

    fn trouble(
        &mut self,
        number: Option<usize>,
        error: CelestiaError,
        events: &mut Vec<LightEvent>,
    ) {
        let key = (number.unwrap_or(usize::MAX), error.code());
        if self.told.insert(key) {
            events.push(LightEvent::Endpoint {
                endpoint: number.map_or("", |n| self.endpoints.name(n)).to_owned(),
                error,
            });
        }
    }

    /// Begins with further heights, as far as there is room.
    async fn begin(&mut self, events: &mut Vec<LightEvent>) -> Result<(), CelestiaError> {
        while self.next <= self.head.height.0 && self.has_room() {
            let height = self.next;
            if self.store.get(height)?.is_some() {
                self.next += 1;
                continue;
            }
            match self.chain.header(&self.endpoints, height).await {
                Ok(header) => {
                    let (secret, samples) = (self.identity.secret(), self.config.samples);
                    let block = BlockSampling::new(header, &secret, samples, self.block_ms());
                    self.blocks.insert(height, block);
                    self.next += 1;
                }
                Err(CelestiaError::HeightPruned { tail, .. }) if tail > height => {
                    self.identity.first = tail;
                    self.store.set_identity(&self.identity)?;
                    self.next = tail;
                    events.push(LightEvent::Skipped {
                        from: height,
                        to: tail - 1,
                    });
                }
                Err(error) if error.kind() != ErrorKind::Fatal => {
                    self.begin_ms = self
                        .clock
                        .now_ms()
                        .saturating_add((self.block_ms() / 2).max(1));
                    self.trouble(None, error, events);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes and tells what came of a turn.
    fn settle(&mut self, turn: Turn, events: &mut Vec<LightEvent>) -> Result<(), CelestiaError> {
        for (number, error) in turn.troubles {
            // A share that is not given is told with its block.
            if !matches!(error, CelestiaError::NotAvailable) {
                self.trouble(Some(number), error, events);
            }
        }
        let (now, usable) = (self.clock.now_ms(), self.endpoints.usable());
        for height in turn.asked {
            let Some(block) = self.blocks.get_mut(&height) else {
                continue;
            };
            let report = block.report();
            let rested = block.rest(&usable, now);
            let given_up = rested && block.is_pruned();
            if report.is_available() || given_up {
                self.store.set(
                    height,
                    &Sampled {
                        hash: report.hash,
                        samples: u16::try_from(report.verified).unwrap_or(u16::MAX),
                        at_ms: now,
                        given_up,
                    },
                )?;
                self.blocks.remove(&height);
            }
            if report.is_available() {
                events.push(LightEvent::Available(report));
            } else if given_up {
                events.push(LightEvent::Skipped {
                    from: height,
                    to: height,
                });
            } else if rested && let Some(block) = self.blocks.get(&height) {
                events.push(LightEvent::Open(block.report()));
            }
        }
        Ok(())
    }
}

/// One round over all endpoints for a block whose header is believed.
pub(crate) async fn once(
    endpoints: &Arc<Endpoints>,
    block: BlockSampling,
    now_ms: u64,
) -> SampleReport {
    let height = block.height();
    let mut blocks = BTreeMap::from([(height, block)]);
    loop {
        let turn = ask(endpoints, &mut blocks, now_ms).await;
        let usable = endpoints.usable();
        if let Some(block) = blocks.get_mut(&height)
            && (turn.asked.is_empty() || block.rest(&usable, now_ms))
        {
            return block.report();
        }
    }
}

/// What headers and endpoints need of an adapter's settings.
fn adapter_config(config: &LightConfig) -> Result<CelestiaConfig, CelestiaError> {
    let namespace = Namespace::new_v0(JOURNAL).map_err(|error| CelestiaError::Config {
        key: "namespace",
        reason: error.to_string(),
    })?;
    let mut node = CelestiaConfig::new(config.endpoints.clone(), String::new(), namespace);
    node.token.clone_from(&config.token);
    node.checkpoint = config.checkpoint;
    node.trusting_period = config.trusting_period;
    node.request_timeout = config.request_timeout;
    node.block_time = config.block_time;
    Ok(node)
}
