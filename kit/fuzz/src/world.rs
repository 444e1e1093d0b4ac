//! A small chain to feed: the in-memory engine, a deriver, a DA layer of
//! vectors, and a sequencer that makes true batches.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use rollwright_core::{
    BlobRef, BlockRef, ChainStore as _, DaBlock, DaHeader, DaHeight, DaLane, DaOrdinal,
    ExecuteOutcome, Execution as _, ForcedId, Heads, PostedBlob, Proof, ProofKey,
    memory::{MemoryExecution, MemoryTx},
};
use rollwright_derive::{
    BatchBlock, BatchCodec as _, CodecId, Derivable as _, DeriveEvent, Deriver, DeriverState,
    DevChain, ENVELOPE_VERSION, Envelope, ForcedBlob, KeySigner, MemoryCodec, Part, PartClaim,
    PartSigner as _, Position, QueuedBlock, RECORD_PREFIX, RollupConfig, Rules, Step, due_entries,
    memory_genesis,
};
use std::{
    collections::BTreeSet,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Height of the DA block with ordinal 0.
pub(crate) const DA_START: u64 = 100;
const DA_TIME: u64 = 1_700_000_000;

/// Completes a future that never waits, such as the in-memory engine's.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the in-memory engine waits for nothing"),
    }
}

/// The key of a byte; 1 is the sequencer's.
pub(crate) fn key(byte: u8) -> KeySigner {
    KeySigner::new(B256::repeat_byte(byte)).expect("a valid key")
}

/// Bounds so small that short inputs reach them.
pub(crate) fn config() -> RollupConfig {
    let mut config = RollupConfig::small(DevChain {
        start_height: DaHeight(DA_START),
        gas_limit: 30_000_000,
        sequencer: key(1).address(),
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
    config.keys[0].keys = [1, 2].map(|byte| key(byte).address()).to_vec();
    config.keys[0].keys.sort_unstable();
    config.timing.window = 16;
    config.timing.part_timeout = 5;
    config.timing.force_delay = 1;
    config.timing.force_ttl = 4;
    config.timing.max_step = 4;
    config.timing.lapse_interval = 4;
    config.limits.batch_lookahead = 3;
    config.limits.batch_parts = 8;
    config.limits.batch_blocks = 16;
    config.codecs = vec![CodecId::NONE];
    config
}

/// One node with its DA layer.
pub(crate) struct World {
    pub(crate) rules: Arc<Rules>,
    pub(crate) engine: MemoryExecution,
    pub(crate) deriver: Deriver<MemoryCodec>,
    pub(crate) da: Vec<DaBlock>,
    /// What derivation reported, with the ordinal.
    pub(crate) events: Vec<(u64, DeriveEvent)>,
    /// Rollup id that blobs carry.
    pub(crate) id: B256,
    /// The sequencer's own idea of the head.
    tip: Position,
    consumed: BTreeSet<ForcedId>,
    next: (u64, B256),
    salt: u64,
}

impl World {
    /// At genesis, before any DA block.
    pub(crate) fn new() -> Self {
        let engine = MemoryExecution::new(memory_genesis(&config()));
        let genesis = now(engine.genesis()).expect("a genesis");
        let rules = Rules::new(genesis.hash, engine.config_digest(), config(), Vec::new());
        let rules = Arc::new(rules.expect("valid rules"));
        let deriver = Deriver::new(
            Arc::clone(&rules),
            engine.codec(),
            genesis,
            engine.genesis_time(),
        );
        Self {
            tip: *deriver.state().head(),
            id: genesis.hash,
            rules,
            engine,
            deriver,
            da: Vec::new(),
            events: Vec::new(),
            consumed: BTreeSet::new(),
            next: (0, B256::ZERO),
            salt: 0,
        }
    }

    /// A node that joins late and reads the same DA layer from its start.
    pub(crate) fn fresh(&self) -> Self {
        let mut other = Self::new();
        other.da.clone_from(&self.da);
        other.salt = self.salt;
        other.read();
        other
    }

    pub(crate) fn state(&self) -> &DeriverState {
        self.deriver.state()
    }

    pub(crate) fn head(&self) -> BlockRef {
        self.state().head().block
    }

    /// The next DA block's ordinal.
    pub(crate) fn ordinal(&self) -> u64 {
        self.da.len() as u64
    }

    /// Appends a DA block `seconds` after the last, and derives it.
    pub(crate) fn mine(&mut self, seconds: u64, blobs: Vec<Bytes>) {
        let last = self.da.last().map(|block| block.header);
        let time = last.map_or(DA_TIME, |header| header.time.saturating_add(seconds));
        let height = DaHeight(DA_START + self.da.len() as u64);
        let parent_hash = last.map_or(B256::ZERO, |header| header.hash);
        let commitments: Vec<B256> = blobs.iter().map(keccak256).collect();
        let facts = borsh::to_vec(&(height, parent_hash, time, self.salt, &commitments));
        let facts = facts.expect("encodes");
        let header = DaHeader {
            height,
            hash: keccak256(&facts),
            parent_hash,
            time,
            data_root: keccak256([facts.as_slice(), b"root"].concat()),
        };
        let blobs = blobs.into_iter().zip(commitments).enumerate();
        let blobs = blobs.map(|(index, (data, commitment))| PostedBlob {
            reference: BlobRef {
                block: header.id(),
                index: index as u32,
                commitment,
            },
            lane: DaLane::Batch,
            poster: None,
            data,
        });
        self.da.push(DaBlock {
            header,
            blobs: blobs.collect(),
            completeness: Proof::default(),
        });
        self.read();
    }

    /// The DA layer replaces its blocks from an ordinal on by nothing.
    pub(crate) fn reorganise(&mut self, from: u64) {
        self.da.truncate(from as usize);
        self.salt += 1;
        let rollback = self
            .deriver
            .rollback(DaOrdinal(from))
            .expect("nothing is final");
        let heads = Heads {
            latest: rollback.safe,
            safe: rollback.safe,
            finalized: rollback.finalized,
        };
        now(self.engine.set_heads(&heads, &rollback.records)).expect("known blocks");
        self.events.retain(|(ordinal, _)| *ordinal < from);
    }

    /// The DA layer finalises a block that was read.
    pub(crate) fn finalise(&mut self, ordinal: u64) {
        if let Some(block) = self.da.get(ordinal as usize) {
            let finalized = self.deriver.finalize(0, block.header.id());
            let heads = Heads {
                latest: self.head(),
                safe: self.head(),
                finalized: finalized.head,
            };
            now(self.engine.set_heads(&heads, &finalized.records)).expect("known blocks");
        }
    }

    /// The node starts again from its records.
    pub(crate) fn restart(&mut self) {
        let records = self.engine.records(RECORD_PREFIX, &[], usize::MAX);
        self.deriver = Deriver::load(
            Arc::clone(&self.rules),
            self.engine.codec(),
            now(self.engine.genesis()).expect("a genesis"),
            self.engine.genesis_time(),
            records.expect("records"),
        )
        .expect("its own records");
    }

    /// Derives what the DA layer has.
    pub(crate) fn read(&mut self) {
        loop {
            match self.deriver.poll() {
                Step::DaBlock(request) => {
                    let Some(block) = self.da.get(request.ordinal.0 as usize) else {
                        return;
                    };
                    self.deriver.feed_block(block).expect("it follows");
                }
                Step::Execute(input) => {
                    let outcome = now(self.engine.execute(&input)).expect("executes");
                    self.deriver.feed_outcome(&outcome).expect("it was asked");
                }
                Step::Commit(step) => {
                    let heads = Heads {
                        latest: step.safe,
                        safe: step.safe,
                        finalized: step.finalized,
                    };
                    now(self.engine.set_heads(&heads, &step.records)).expect("known blocks");
                    let at = step.ordinal.0;
                    let events = step.events.into_iter().map(|event| (at, event));
                    self.events.extend(events);
                    self.deriver.committed();
                    assert_eq!(self.state().hash(), step.state_hash);
                }
            }
        }
    }

    /// The sequencer goes on from the derived head.
    pub(crate) fn resync(&mut self) {
        self.tip = *self.state().head();
        self.consumed.clear();
        self.next = (self.state().next_batch(), self.state().last_batch_id());
    }

    /// The envelope of a batch of `count` blocks on the derived head; `None`
    /// where no origin can be had. Mines two DA blocks before the first.
    pub(crate) fn next_envelope(&mut self, count: usize) -> Bytes {
        while self.da.len() < 2 {
            self.mine(2, Vec::new());
        }
        self.resync();
        let blocks = self.preconfirmed(count.max(1));
        self.seal(&blocks).map_or_else(Bytes::new, |envelope| {
            self.next = (self.next.0 + 1, Envelope::id(&envelope));
            envelope
        })
    }

    /// Up to `count` blocks that the sequencer makes on its head.
    pub(crate) fn preconfirmed(&mut self, count: usize) -> Vec<QueuedBlock> {
        (0..count)
            .map_while(|index| self.preconfirm(index))
            .collect()
    }

    fn preconfirm(&mut self, index: usize) -> Option<QueuedBlock> {
        let newest = DaOrdinal(self.ordinal().checked_sub(1)?);
        let origin = self.rules.next_origin(&self.tip, newest)?;
        let header = *self.state().origin(origin)?;
        let timestamp = *self
            .rules
            .timestamps(&self.tip, origin, header.time)
            .start();
        let mut tip = self
            .rules
            .check_place(&self.tip, origin, header.time, timestamp)
            .ok()?;
        let inputs = BatchBlock {
            timestamp,
            origin,
            fee_recipient: Address::repeat_byte(0xaa),
            transactions: self.transfer(index).into_iter().collect(),
        };
        let forced = due_entries(&self.rules, self.deriver.state(), &self.consumed, origin);
        let input = self
            .rules
            .attributes(origin, &header, timestamp, inputs.fee_recipient, forced)
            .into_input(self.tip.block, inputs.transactions.clone());
        let ExecuteOutcome::Valid(executed) = now(self.engine.execute(&input)).ok()? else {
            return None;
        };
        self.consumed
            .extend(input.forced.iter().map(|entry| entry.id));
        let parent = self.tip.block.hash;
        tip.block = executed.block;
        self.tip = tip;
        Some(QueuedBlock {
            block: executed.block,
            parent,
            origin: self.rules.point(inputs.origin, &header),
            inputs,
            queued_ms: 0,
        })
    }

    /// A valid transfer for the first block of a batch; none for later ones.
    fn transfer(&self, index: usize) -> Option<Bytes> {
        let sender = Address::repeat_byte(10);
        let nonce = self.nonce(sender)?;
        (index == 0)
            .then(|| MemoryTx::transfer(sender, nonce, Address::repeat_byte(0x77), 1).encode())
    }

    /// Transactions of an account up to the derived head.
    pub(crate) fn nonce(&self, address: Address) -> Option<u64> {
        let key = ProofKey {
            address,
            slots: Vec::new(),
        };
        let proof = now(self.engine.prove(&self.head(), &[key])).ok()?;
        let account = proof.accounts.first()?.account;
        Some(account.map_or(0, |account| account.nonce))
    }

    fn seal(&self, blocks: &[QueuedBlock]) -> Option<Bytes> {
        let (first, last) = (blocks.first()?, blocks.last()?);
        let inputs: Vec<BatchBlock> = blocks.iter().map(|block| block.inputs.clone()).collect();
        let encoded = self.engine.codec().encode(CodecId::NONE, &inputs).ok()?;
        let envelope = Envelope {
            version: ENVELOPE_VERSION,
            rollup_id: self.id,
            config_digest: self.rules.at(DaOrdinal(self.ordinal())).digest,
            term: self.state().term(),
            number: self.next.0,
            previous: self.next.1,
            first_block: first.block.number,
            parent: first.parent,
            last_origin: last.origin,
            blocks: blocks.len() as u32,
            transactions: encoded.transactions,
            codec: CodecId::NONE,
            decompressed_len: encoded.decompressed_len,
            announced: None,
            payload: encoded.payload,
        };
        Some(envelope.encode())
    }

    /// The envelope as `count` signed parts of one attempt.
    pub(crate) fn parts(&self, envelope: &Bytes, attempt: u64, count: usize) -> Vec<Bytes> {
        let number = Envelope::decode(envelope).map_or(self.next.0, |envelope| envelope.number);
        let size = envelope.len().div_ceil(count.max(1)).max(1);
        let count = envelope.len().div_ceil(size);
        (0..count)
            .map(|index| {
                let end = ((index + 1) * size).min(envelope.len());
                let claim = PartClaim {
                    key_entry: DaOrdinal(0),
                    attempt,
                    number,
                    batch_id: Envelope::id(envelope),
                    index: index as u32,
                    count: count as u32,
                    total_len: envelope.len() as u32,
                };
                self.sign(&key(1), claim, envelope.slice(index * size..end))
            })
            .collect()
    }

    /// A part as a signer makes it.
    pub(crate) fn sign(&self, signer: &KeySigner, claim: PartClaim, piece: Bytes) -> Bytes {
        let hash = claim.signing_hash(&self.id, &piece);
        let part = Part {
            claim,
            signature: signer.sign(&hash).expect("signs").into(),
            piece,
        };
        part.encode(&self.id).into()
    }

    /// A blob for the forced lane.
    pub(crate) fn forced(&self, transactions: &[Bytes]) -> Bytes {
        ForcedBlob::encode(&self.id, transactions).into()
    }
}
