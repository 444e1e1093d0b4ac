//! Evidence against a feed: what a node kept, and what others make of it.

use crate::{Project, ProjectError, StartError};
use rollwright_core::{
    Address, B256, BlockId, ChainStore, DataAvailability, ErrorKind, LayerError,
};
use rollwright_derive::Rules;
use rollwright_node::{FeedEvidence, NodeError, feed_evidence};

/// What a node's own chain, derived from DA, says of evidence whose signature
/// holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// DA gives another block than the one that was signed.
    Proven {
        /// The block that DA gives.
        derived: B256,
    },
    /// DA gives just the block that was signed.
    Refuted,
    /// The DA block that the signed block names as its origin is not
    /// canonical: whoever signed could not know.
    Excused,
    /// This node has not derived the block yet, or keeps it no more; ask again
    /// later, or another node.
    Open {
        /// Its safe block.
        safe: u64,
    },
}

impl Project {
    /// The evidence that a node has kept, ascending by block number. No node
    /// may use the data directory meanwhile.
    pub fn feed_evidence(&self) -> Result<Vec<FeedEvidence>, StartError> {
        Ok(feed_evidence(&self.existing_evm()?)?)
    }

    /// Checks with nothing but the genesis file and the amendments that a key of the schedule
    /// signed another block than the one that DA is said to give. Returns who.
    pub fn check_evidence(&self, evidence: &FeedEvidence) -> Result<Address, StartError> {
        // The digest stands in envelopes alone; nothing here reads it.
        let digest = B256::ZERO;
        let (rollup, amendments) = (self.rollup().clone(), self.amendments().to_vec());
        let rules = Rules::new(self.rollup_id(), digest, rollup, amendments)
            .map_err(|error| ProjectError::Invalid(error.to_string()))?;
        Ok(evidence.verify((self.chain_id(), self.rollup_id()), &rules)?)
    }

    /// Compares evidence with the safe blocks of the data directory, and its
    /// origin with the DA layer. No node may use the data directory meanwhile.
    pub async fn judge_evidence(&self, evidence: &FeedEvidence) -> Result<Judgement, StartError> {
        let engine = self.existing_evm()?;
        let number = evidence.derived.number;
        let safe = engine.heads().map_err(NodeError::execution)?.safe.number;
        let found = engine
            .block(BlockId::Number(number))
            .map_err(NodeError::execution)?;
        let derived = match found {
            Some(record) if number <= safe => record.block.hash,
            _ => return Ok(Judgement::Open { safe }),
        };
        if derived == evidence.signed.hash {
            return Ok(Judgement::Refuted);
        }
        let origin = evidence.signed.input.anchor.origin;
        let da = self.with_time_limit(self.read_epoch(origin.epoch).await?);
        match da.fetch(origin.height, None).await {
            Ok(block) if block.header.hash == origin.hash => Ok(Judgement::Proven { derived }),
            Ok(_) => Ok(Judgement::Excused),
            // There is no such block at all.
            Err(error) if error.kind() == ErrorKind::NotYet => Ok(Judgement::Excused),
            Err(error) => Err(NodeError::da(error).into()),
        }
    }
}
