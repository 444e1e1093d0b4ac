//! What a chain is besides its DA contents (PROTOCOL.md §1).

use alloy_primitives::{Address, B256, keccak256};
use rollwright_core::BlockRef;
use rollwright_derive::{
    Amendment, AmendmentChange, KeyScheduleEntry, RollupConfig, SequencingPolicy,
};

/// Everything that decides a chain besides the contents of its DA layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The genesis block; its hash is the rollup id.
    pub genesis: BlockRef,
    /// Genesis time in Unix seconds.
    pub genesis_time: u64,
    /// The object `config.rollwright`, which has been checked.
    pub config: RollupConfig,
    /// keccak256 of the engine's encoding of the whole `config` object.
    pub digest: B256,
    /// Amendments, ascending by activation, which have been checked.
    pub amendments: Vec<Amendment>,
}

impl Chain {
    /// The rollup id: the hash of the genesis block.
    pub const fn rollup_id(&self) -> B256 {
        self.genesis.hash
    }

    fn active(&self, ordinal: u64) -> impl Iterator<Item = &Amendment> {
        self.amendments
            .iter()
            .filter(move |amendment| amendment.activation.0 <= ordinal)
    }

    /// The configuration with the amendments that are active at `ordinal`,
    /// each replacing a whole object of it.
    pub fn config_at(&self, ordinal: u64) -> RollupConfig {
        let mut config = self.config.clone();
        for amendment in self.active(ordinal) {
            let from = amendment.activation;
            match &amendment.change {
                AmendmentChange::Keys(keys) => {
                    config.keys.retain(|entry| entry.from < from);
                    let keys = keys.clone();
                    config.keys.push(KeyScheduleEntry { from, keys });
                }
                AmendmentChange::GasLimit(gas) => {
                    config.gas_limit.retain(|entry| entry.from < from);
                    let gas = *gas;
                    let entry = rollwright_derive::GasLimitEntry { from, gas };
                    config.gas_limit.push(entry);
                }
                AmendmentChange::Policy(policy) => config.policy = *policy,
                AmendmentChange::Timing(timing) => config.timing = *timing,
                AmendmentChange::Forced(forced) => config.forced = *forced,
                AmendmentChange::Limits(limits) => config.limits = *limits,
                AmendmentChange::Codecs(codecs) => config.codecs.clone_from(codecs),
                AmendmentChange::DaEpoch(next) => config.da = next.as_ref().clone(),
            }
        }
        config
    }

    /// Ordinals at which DA epochs begin, in order (§2).
    pub fn epochs(&self) -> Vec<u64> {
        let amended = self.amendments.iter().filter_map(|amendment| {
            let next = matches!(amendment.change, AmendmentChange::DaEpoch(_));
            next.then_some(amendment.activation.0)
        });
        std::iter::once(0).chain(amended).collect()
    }

    /// The DA epoch that an ordinal belongs to, and where that began.
    pub fn epoch_at(&self, ordinal: u64) -> (u32, u64) {
        let begun = self.epochs().into_iter().zip(0u32..);
        begun
            .filter(|(begins, _)| *begins <= ordinal)
            .last()
            .map_or((0, 0), |(begins, epoch)| (epoch, begins))
    }

    /// The digest with the amendments that are active at `ordinal`.
    pub fn digest_at(&self, ordinal: u64) -> B256 {
        self.active(ordinal).fold(self.digest, |digest, amendment| {
            let mut bytes = b"rollwright/amendment/v1".to_vec();
            bytes.extend_from_slice(digest.as_slice());
            bytes.extend_from_slice(&encode(amendment));
            keccak256(bytes)
        })
    }

    /// The schedule entry in force at `ordinal`: its first ordinal and its keys.
    pub fn keys_at(&self, ordinal: u64) -> (u64, Vec<Address>) {
        let config = self.config_at(ordinal);
        let entry = config
            .keys
            .iter()
            .rfind(|entry| entry.from.0 <= ordinal)
            .cloned();
        entry.map_or((0, Vec::new()), |entry| (entry.from.0, entry.keys))
    }

    /// The gas limit of a block with that origin.
    pub fn gas_limit_at(&self, origin: u64) -> u64 {
        let config = self.config_at(origin);
        let entry = config
            .gas_limit
            .iter()
            .rfind(|entry| entry.from.0 <= origin);
        entry.map_or(0, |entry| entry.gas)
    }

    /// True where an entry of the key schedule begins at `ordinal`.
    pub fn keys_begin(&self, ordinal: u64) -> bool {
        self.keys_at(ordinal).0 == ordinal
    }

    /// True where rules begin at `ordinal` that discard parts and batches.
    pub fn posting_rules_begin(&self, ordinal: u64) -> bool {
        self.keys_begin(ordinal)
            || self.amendments.iter().any(|amendment| {
                amendment.activation.0 == ordinal
                    && !matches!(
                        amendment.change,
                        AmendmentChange::GasLimit(_) | AmendmentChange::Forced(_)
                    )
            })
    }
}

/// An amendment in its canonical form (§1).
fn encode(amendment: &Amendment) -> Vec<u8> {
    let mut out = Bytes(amendment.activation.0.to_le_bytes().to_vec());
    match &amendment.change {
        AmendmentChange::Keys(keys) => {
            out.u8(0).u32(keys.len() as u32);
            for key in keys {
                out.0.extend_from_slice(key.as_slice());
            }
        }
        AmendmentChange::GasLimit(gas) => {
            out.u8(1).u64(*gas);
        }
        AmendmentChange::Policy(SequencingPolicy::Single) => {
            out.u8(2).u8(0);
        }
        AmendmentChange::Timing(timing) => {
            out.u8(3).u64(timing.window).u64(timing.part_timeout);
            out.u64(timing.force_delay).u64(timing.force_ttl);
            out.u64(timing.max_step).u64(timing.lapse_interval);
            out.u64(timing.drift_seconds).u64(timing.block_time_ms);
        }
        AmendmentChange::Forced(lane) => {
            out.u8(4).u32(lane.admit_count).u64(lane.admit_bytes);
            out.u64(lane.admit_gas).u32(lane.queue_count);
            out.u64(lane.queue_bytes).u64(lane.block_gas);
            out.u64(lane.block_bytes).u32(lane.block_validations);
        }
        AmendmentChange::Limits(limits) => {
            out.u8(5).u64(limits.batch_lookahead);
            out.u32(limits.batch_bytes).u32(limits.decompressed_bytes);
            out.u32(limits.batch_parts).u32(limits.batch_blocks);
            out.u32(limits.origin_blocks).u32(limits.block_transactions);
            out.u64(limits.block_bytes).u64(limits.term_step);
        }
        AmendmentChange::Codecs(codecs) => {
            out.u8(6).u32(codecs.len() as u32);
            out.0.extend(codecs.iter().map(|codec| codec.0));
        }
        AmendmentChange::DaEpoch(next) => {
            out.u8(7).text(&next.layer).text(&next.network);
            out.text(&next.address);
            out.u8(next.forced_address.is_some().into());
            if let Some(address) = &next.forced_address {
                out.text(address);
            }
            out.u32(next.posters.len() as u32);
            for poster in &next.posters {
                out.text(poster);
            }
            out.u64(next.start_height.0).u64(next.block_time_ms);
        }
    }
    out.0
}

/// Little-endian numbers and texts, one after the other.
struct Bytes(Vec<u8>);

impl Bytes {
    fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn text(&mut self, value: &str) -> &mut Self {
        self.u32(value.len() as u32);
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
}
