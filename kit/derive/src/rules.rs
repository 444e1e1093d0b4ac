use crate::{
    ANNOUNCED_LAYER_BYTES, Amendment, AmendmentChange, Announcement, BatchBlock, BatcherError,
    BlockTooLarge, CodecId, CodecLimits, ConfigError, DaEpoch, ForcedConfig, LimitsConfig,
    RollupConfig, SequencingPolicy, TimingConfig,
};
use alloc::{boxed::Box, string::String, vec::Vec};
use alloy_primitives::{Address, B256};
use rollwright_core::{DaHeader, DaOrdinal, DaPoint, ForcedBudget};

/// The rules of one chain over all ordinals: its configuration with every
/// amendment, validated, ready for look-ups.
///
/// What shapes a block is looked up at its origin, what judges posting at the
/// ordinal of application.
#[derive(Clone, Debug)]
pub struct Rules {
    rollup_id: B256,
    config: RollupConfig,
    amendments: Vec<Amendment>,
    segments: Vec<RuleSet>,
    /// The first one begins at 0.
    epochs: Vec<DaEpoch>,
}

/// What a new block may hold; see [`Rules::block_room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRoom {
    /// Sum of the encoded lengths of its transactions.
    pub bytes: u64,
    /// Number of its transactions.
    pub transactions: u32,
}

/// The rules from one activation to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// First ordinal.
    pub from: DaOrdinal,
    /// Digest of configuration and active amendments: stands in envelopes.
    pub digest: B256,
    /// Who may post batches.
    pub policy: SequencingPolicy,
    /// Ages and delays.
    pub timing: TimingConfig,
    /// Forced lane.
    pub forced: ForcedConfig,
    /// Bounds on batches and parts.
    pub limits: LimitsConfig,
    /// Codecs that batches may use, ascending.
    pub codecs: Vec<CodecId>,
    /// First ordinal of the key-schedule entry in force: stands in parts.
    pub key_entry: DaOrdinal,
    /// Keys that may sign parts, ascending.
    pub keys: Vec<Address>,
    /// Block gas limit.
    pub gas_limit: u64,
    /// True where a timestamp may repeat its parent's.
    pub repeats_timestamps: bool,
    /// True where the segment's start discards parts and pending batches.
    pub discards: bool,
}

impl Rules {
    /// Validates a configuration with its amendments.
    ///
    /// `rollup_id` is the genesis hash; `digest` the hash of the whole
    /// `config` object (`Derivable::config_digest`).
    pub fn new(
        rollup_id: B256,
        digest: B256,
        config: RollupConfig,
        amendments: Vec<Amendment>,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut rules = Self {
            rollup_id,
            config,
            amendments,
            segments: Vec::new(),
            epochs: Vec::new(),
        };
        rules.lay_out(digest)?;
        rules.epochs = rules.lay_out_epochs()?;
        Ok(rules)
    }

    /// Refuses amendments that would change what was derived up to `derived`.
    /// `known` is the number of amendments that were in place then.
    pub fn check_not_too_late(&self, known: usize, derived: DaOrdinal) -> Result<(), ConfigError> {
        let late = self
            .amendments
            .iter()
            .enumerate()
            .skip(known)
            .find(|(_, amendment)| amendment.activation <= derived);
        match late {
            None => Ok(()),
            Some((index, amendment)) => Err(ConfigError::AmendmentTooLate {
                index,
                found: amendment.activation.0,
                derived: derived.0,
            }),
        }
    }

    fn lay_out(&mut self, digest: B256) -> Result<(), ConfigError> {
        let mut config = self.config.clone();
        let mut digest = digest;
        let mut starts = Vec::from([Start {
            from: DaOrdinal(0),
            digest,
            config: config.clone(),
            discards: false,
        }]);
        let mut least = DaOrdinal(1);
        for (index, amendment) in self.amendments.iter().enumerate() {
            if amendment.activation < least {
                return Err(ConfigError::AmendmentOrder {
                    index,
                    found: amendment.activation.0,
                    required: least.0,
                });
            }
            least = amendment.activation;
            amendment.apply(&mut config);
            digest = amendment.extend_digest(digest);
            // Amendments of one activation begin together.
            let together = starts.pop_if(|start| start.from == amendment.activation);
            starts.push(Start {
                from: amendment.activation,
                digest,
                config: config.clone(),
                discards: amendment.judges_posting()
                    || together.is_some_and(|start| start.discards),
            });
        }
        for Start { from, config, .. } in starts.iter().skip(1) {
            let active = self.amendments.partition_point(|a| a.activation <= *from);
            config
                .validate()
                .map_err(|source| amended(active.saturating_sub(1), source))?;
        }
        self.segments = segments(&starts);
        Ok(())
    }

    fn lay_out_epochs(&self) -> Result<Vec<DaEpoch>, ConfigError> {
        let mut epochs = Vec::from([DaEpoch {
            index: 0,
            begins: DaOrdinal(0),
            config: self.config.da.clone(),
        }]);
        for (at, amendment) in self.amendments.iter().enumerate() {
            let AmendmentChange::DaEpoch(config) = &amendment.change else {
                continue;
            };
            let before = &epochs[epochs.len() - 1];
            // An epoch has at least one DA block.
            if amendment.activation <= before.begins {
                return Err(ConfigError::AmendmentOrder {
                    index: at,
                    found: amendment.activation.0,
                    required: before.begins.0.saturating_add(1),
                });
            }
            let next = DaEpoch {
                index: before.index.saturating_add(1),
                begins: amendment.activation,
                config: config.as_ref().clone(),
            };
            epochs.push(next);
        }
        Ok(epochs)
    }

    /// The DA epochs, in order; the first one is genesis'.
    pub fn epochs(&self) -> &[DaEpoch] {
        &self.epochs
    }

    /// The DA epoch that an ordinal belongs to.
    pub fn epoch_at(&self, ordinal: DaOrdinal) -> &DaEpoch {
        let after = self.epochs.partition_point(|epoch| epoch.begins <= ordinal);
        // The first epoch begins at 0, so there is always one at or below.
        &self.epochs[after.saturating_sub(1)]
    }

    /// The DA point of the block with an ordinal.
    pub fn point(&self, ordinal: DaOrdinal, header: &DaHeader) -> DaPoint {
        DaPoint {
            epoch: self.epoch_at(ordinal).index,
            height: header.height,
            hash: header.hash,
        }
    }

    /// Genesis hash.
    pub const fn rollup_id(&self) -> B256 {
        self.rollup_id
    }

    /// The configuration as genesis gives it.
    pub const fn config(&self) -> &RollupConfig {
        &self.config
    }

    /// The amendments.
    pub fn amendments(&self) -> &[Amendment] {
        &self.amendments
    }

    /// The rules at an ordinal.
    pub fn at(&self, ordinal: DaOrdinal) -> &RuleSet {
        let after = self.segments.partition_point(|set| set.from <= ordinal);
        // The first segment starts at 0, so there is always one at or below.
        &self.segments[after.saturating_sub(1)]
    }

    /// The rules that begin exactly at an ordinal above 0.
    pub(crate) fn beginning_at(&self, ordinal: DaOrdinal) -> Option<&RuleSet> {
        let set = self.at(ordinal);
        (set.from == ordinal && ordinal.0 > 0).then_some(set)
    }

    /// The rules that begin above an ordinal, in order.
    pub fn beginning_above(&self, ordinal: DaOrdinal) -> impl Iterator<Item = &RuleSet> {
        let after = self.segments.partition_point(|set| set.from <= ordinal);
        self.segments.iter().skip(after)
    }

    /// What a batch that is applied at an ordinal announces: the next change of
    /// the configuration above it. `None` where no amendment is to come.
    pub fn announcement(&self, ordinal: DaOrdinal) -> Option<Announcement> {
        let present = self.at(ordinal).digest;
        let next = self
            .beginning_above(ordinal)
            .find(|set| set.digest != present)?;
        let begins = |amendment: &&Amendment| amendment.activation == next.from;
        let mut beginning = self.amendments.iter().filter(begins);
        // An epoch tells more than what begins with it.
        let epoch = beginning
            .clone()
            .find(|amendment| matches!(amendment.change, AmendmentChange::DaEpoch(_)));
        let change = &epoch.or_else(|| beginning.next())?.change;
        Some(Announcement {
            activation: next.from,
            digest: next.digest,
            change: change.tag(),
            layer: match change {
                AmendmentChange::DaEpoch(config) => short(&config.layer),
                _ => String::new(),
            },
        })
    }

    /// True where these rules have what is announced.
    pub fn hold(&self, announced: &Announcement) -> bool {
        self.at(announced.activation).digest == announced.digest
    }

    /// What a new block on an origin may hold so that it can be posted whenever
    /// it lands, in pieces of at most `piece_bytes`: the least of the bounds at
    /// the origin and of those that begin within its window.
    pub fn block_room(&self, origin: DaOrdinal, piece_bytes: u64) -> BlockRoom {
        let first = self.at(origin);
        let last = self.deadline(origin);
        let later = self
            .beginning_above(origin)
            .take_while(|set| set.from <= last);
        let room = |set: &RuleSet| BlockRoom {
            bytes: set.postable_block_bytes(piece_bytes),
            transactions: set.limits.block_transactions,
        };
        later.map(room).fold(room(first), |least, next| BlockRoom {
            bytes: least.bytes.min(next.bytes),
            transactions: least.transactions.min(next.transactions),
        })
    }

    /// The longest window of all segments: how long origins are kept.
    pub(crate) fn longest_window(&self) -> u64 {
        self.segments
            .iter()
            .map(|set| set.timing.window)
            .max()
            .unwrap_or_default()
    }
}

impl RuleSet {
    /// What a block may spend on forced transactions.
    pub const fn forced_budget(&self) -> ForcedBudget {
        ForcedBudget {
            gas: self.forced.block_gas,
            bytes: self.forced.block_bytes,
            validations: self.forced.block_validations,
        }
    }

    /// Bounds for the decoder of a batch.
    pub const fn codec_limits(&self) -> CodecLimits {
        CodecLimits {
            max_blocks: self.limits.batch_blocks,
            max_block_transactions: self.limits.block_transactions,
            max_block_bytes: self.limits.block_bytes,
            max_decompressed_bytes: self.limits.decompressed_bytes,
        }
    }

    /// Longest envelope of a single block: its transactions' bytes, a sixteenth
    /// for columns that do not compress, and 64 KiB.
    pub const fn longest_block_envelope(&self) -> u64 {
        let bytes = self.limits.block_bytes;
        bytes + bytes / 16 + BATCH_MARGIN
    }

    /// The most transaction bytes that a block may have so that it can be
    /// posted alone, in pieces of at most `piece_bytes` (see
    /// [`piece_bytes`](crate::piece_bytes)).
    pub const fn postable_block_bytes(&self, piece_bytes: u64) -> u64 {
        let carried = (self.limits.batch_parts as u64).saturating_mul(piece_bytes);
        let fits = carried.saturating_sub(BATCH_MARGIN) / 17 * 16;
        if fits < self.limits.block_bytes {
            fits
        } else {
            self.limits.block_bytes
        }
    }

    /// Fails where a layer that takes pieces of `piece_bytes` cannot carry the
    /// largest block: [`BatcherError::LayerTooSmall`].
    pub fn check_layer(&self, piece_bytes: u64) -> Result<(), BatcherError> {
        let needed = self.longest_block_envelope();
        let parts = self.limits.batch_parts;
        let carried = u64::from(parts).saturating_mul(piece_bytes);
        if needed <= carried {
            return Ok(());
        }
        Err(BatcherError::LayerTooSmall {
            from: self.from.0,
            needed,
            parts,
            piece_bytes,
            carried,
            postable: self.postable_block_bytes(piece_bytes),
        })
    }

    /// What of a block exceeds the bounds at this ordinal of application.
    pub(crate) fn too_large(&self, block: &BatchBlock) -> Option<BlockTooLarge> {
        let transactions = block.transactions.len() as u64;
        let bytes: u64 = block.transactions.iter().map(|tx| tx.len() as u64).sum();
        let limits = &self.limits;
        let too_large =
            transactions > u64::from(limits.block_transactions) || bytes > limits.block_bytes;
        too_large.then_some(BlockTooLarge::Block {
            transactions,
            bytes,
            max_transactions: limits.block_transactions.into(),
            max_bytes: limits.block_bytes,
        })
    }

    /// Bytes of parts that one key may have stored, each part counted with
    /// [`PART_OVERHEAD`](crate::PART_OVERHEAD): room for
    /// `batchLookahead` of the largest batches in as many parts as allowed.
    pub const fn key_capacity(&self) -> u64 {
        let batch =
            self.limits.batch_bytes as u64 + self.limits.batch_parts as u64 * crate::PART_OVERHEAD;
        self.limits.batch_lookahead.saturating_mul(batch)
    }
}

/// What a batch has room for besides its transactions and a sixteenth of them:
/// the relation that a configuration is checked for.
const BATCH_MARGIN: u64 = 64 * 1024;

/// What amendments that begin at one ordinal lead to.
struct Start {
    from: DaOrdinal,
    digest: B256,
    config: RollupConfig,
    discards: bool,
}

/// As much of a layer's name as an announcement has room for.
fn short(layer: &str) -> String {
    let mut end = layer.len().min(ANNOUNCED_LAYER_BYTES);
    while !layer.is_char_boundary(end) {
        end -= 1;
    }
    layer.get(..end).unwrap_or_default().into()
}

fn amended(index: usize, source: ConfigError) -> ConfigError {
    ConfigError::Amended {
        index,
        source: Box::new(source),
    }
}

fn segments(starts: &[Start]) -> Vec<RuleSet> {
    let mut cuts: Vec<DaOrdinal> = Vec::new();
    for (index, Start { from, config, .. }) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map(|next| next.from);
        let scheduled = config
            .keys
            .iter()
            .map(|entry| entry.from)
            .chain(config.gas_limit.iter().map(|entry| entry.from));
        let inside = |cut: &DaOrdinal| *cut >= *from && end.is_none_or(|end| *cut < end);
        cuts.push(*from);
        cuts.extend(scheduled.filter(inside));
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts.iter().map(|cut| segment(starts, *cut)).collect()
}

fn segment(starts: &[Start], from: DaOrdinal) -> RuleSet {
    let index = starts.partition_point(|start| start.from <= from);
    let start = &starts[index.saturating_sub(1)];
    let config = &start.config;
    let keys = config.keys.iter().rev().find(|entry| entry.from <= from);
    let gas = config
        .gas_limit
        .iter()
        .rev()
        .find(|entry| entry.from <= from);
    RuleSet {
        from,
        digest: start.digest,
        policy: config.policy,
        timing: config.timing,
        forced: config.forced,
        limits: config.limits,
        codecs: config.codecs.clone(),
        key_entry: keys.map(|entry| entry.from).unwrap_or_default(),
        keys: keys.map(|entry| entry.keys.clone()).unwrap_or_default(),
        gas_limit: gas.map(|entry| entry.gas).unwrap_or_default(),
        repeats_timestamps: config.repeats_timestamps(),
        discards: (start.from == from && start.discards)
            || keys.is_some_and(|entry| entry.from == from),
    }
}
