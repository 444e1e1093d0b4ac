use crate::{
    Error, Inbox, RootRule, Signer, codec::MAX_PAYLOAD_BYTES, fees::FeeLimits, kzg::SidecarForm,
};
use std::{path::PathBuf, time::Duration};

/// Blobs per transaction since EIP-7594.
pub(crate) const MAX_BLOBS_PER_TX: usize = 6;

/// How the layer is reached and used.
///
/// `EthereumDaConfig { signer, ..EthereumDaConfig::new(rpc, beacon, inbox) }`.
#[derive(Clone, Debug)]
pub struct EthereumDaConfig {
    /// Execution nodes' JSON-RPC, the preferred one first. Others are asked
    /// when it does not answer; transactions go to all.
    pub rpc: Vec<String>,
    /// Beacon nodes, in the order in which they are asked for blobs.
    pub beacon: Vec<String>,
    /// Services in the shape of a beacon node that keep blobs for longer;
    /// asked last.
    pub archive: Vec<String>,
    /// The network that it must be, as [`DaCaps`](rollwright_core::DaCaps)
    /// reports it: chain id, `:`, genesis hash. `None` accepts any.
    pub network: Option<String>,
    /// Where the rollup's data lies.
    pub inbox: Inbox,
    /// The posting account; `None` reads only.
    pub signer: Option<Signer>,
    /// Form of sidecars. Default EIP-7594.
    pub sidecar: SidecarForm,
    /// How beacon nodes are asked for a block. Default by slot.
    pub block_id: BlockIdForm,
    /// Length of a slot where no beacon node tells it. Default 12 s.
    pub slot_time: Duration,
    /// Nominal time until a block is final. Default 16 min.
    pub finality: Duration,
    /// Blocks that the observed head stays behind the newest. Default 0.
    pub confirmations: u64,
    /// What posting may cost.
    pub fees: FeeLimits,
    /// Most blobs in one transaction. Default, and most, 6.
    pub blobs_per_tx: usize,
    /// Whether parts travel as calldata where that is cheaper and the chain
    /// allows it. Default no.
    pub calldata_when_cheaper: bool,
    /// How long blobs that were posted or read are kept here. Default 30 days.
    pub keep_blobs: Duration,
    /// How long Ethereum's nodes keep blobs. Default 4,096 epochs of 32 slots.
    pub retention: Duration,
    /// Journal and kept blobs, one file; `None` keeps them in memory, for
    /// reading and for tests.
    pub path: Option<PathBuf>,
    /// Deadline of each request. Default 20 s.
    pub timeout: Duration,
}

/// How a beacon node is asked for a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockIdForm {
    /// By slot, computed from the block's time.
    #[default]
    Slot,
    /// By the beacon block's root, which the next block names; by slot where
    /// there is none yet.
    Root,
    /// By the execution block's number: anvil, which has no slots, and whose
    /// blocks are checked by [`RootRule::WithSidecars`].
    Number,
}

impl EthereumDaConfig {
    /// Defaults: reads only, in memory.
    pub fn new(rpc: Vec<String>, beacon: Vec<String>, inbox: Inbox) -> Self {
        Self {
            rpc,
            beacon,
            archive: Vec::new(),
            network: None,
            inbox,
            signer: None,
            sidecar: SidecarForm::default(),
            block_id: BlockIdForm::default(),
            slot_time: Duration::from_secs(12),
            finality: Duration::from_secs(16 * 60),
            confirmations: 0,
            fees: FeeLimits::default(),
            blobs_per_tx: MAX_BLOBS_PER_TX,
            calldata_when_cheaper: false,
            keep_blobs: Duration::from_secs(30 * 86_400),
            retention: Duration::from_secs(4_096 * 32 * 12),
            path: None,
            timeout: Duration::from_secs(20),
        }
    }

    /// Largest sum of contents of one unit: what one transaction carries.
    pub(crate) fn max_unit_bytes(&self) -> u64 {
        (self.blobs_per_tx * MAX_PAYLOAD_BYTES) as u64
    }

    /// What the L1's transactions root commits to. Only anvil is asked by
    /// number.
    pub(crate) fn root_rule(&self) -> RootRule {
        match self.block_id {
            BlockIdForm::Number => RootRule::WithSidecars,
            BlockIdForm::Slot | BlockIdForm::Root => RootRule::Signed,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |key, reason: &str| {
            let reason = reason.into();
            Err(Error::Config { key, reason })
        };
        if self.rpc.is_empty() {
            return refuse("rpc", "no execution node is named");
        }
        if self.beacon.is_empty() && self.archive.is_empty() {
            return refuse(
                "beacon",
                "no beacon node is named, and blobs come from there",
            );
        }
        if !(1..=MAX_BLOBS_PER_TX).contains(&self.blobs_per_tx) {
            return refuse("blobs-per-tx", "it lies between 1 and 6");
        }
        if self.slot_time < Duration::from_millis(1) {
            return refuse("slot-time", "it is below 1 ms");
        }
        if self.calldata_when_cheaper && !self.inbox.batch.calldata {
            return refuse(
                "calldata",
                "the chain's configuration does not allow calldata (`da.address` without `+calldata`)",
            );
        }
        match (&self.signer, &self.inbox.posters[..]) {
            (Some(signer), [_, ..])
                if !self
                    .inbox
                    .posters
                    .iter()
                    .any(|poster| poster.address == signer.address()) =>
            {
                Err(Error::Config {
                    key: "signer",
                    reason: format!(
                        "{} is not among the chain's posters (`da.posters`): what it posts would not be read",
                        signer.address()
                    ),
                })
            }
            _ => Ok(()),
        }
    }
}
