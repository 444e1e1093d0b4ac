use crate::{FeedFrame, NodeError, SignedBlock, records};
use alloy_primitives::{Address, B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockRef, ChainStore, DaOrdinal, DaPoint, ErrorKind, LayerError};
use rollwright_derive::Rules;

/// A signed block that DA contradicts, kept for whoever judges the sequencer.
///
/// It convinces others without trust in the node that kept it: the signature
/// is checked by [`verify`](Self::verify), and whoever reads the DA layer finds
/// the block of [`derived`](Self::derived) at [`at`](Self::at), and the DA
/// block that the signed block names as its origin.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FeedEvidence {
    /// What the sequencer signed.
    pub signed: SignedBlock,
    /// The block that DA gives at that number.
    pub derived: BlockRef,
    /// The DA block at which it was derived.
    pub at: DaPoint,
}

/// Why something is no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The bytes are not those of an evidence file.
    #[error("not a record of feed evidence (help: pass the file as `to_bytes` wrote it)")]
    Format,
    /// Two blocks of different numbers contradict nothing.
    #[error("block {signed} was signed, and DA is said to give block {derived}")]
    OtherNumber {
        /// Number of the signed block.
        signed: u64,
        /// Number of the derived one.
        derived: u64,
    },
    /// The sequencer signed just what DA gives.
    #[error("block {number} was signed as DA gives it: {hash}")]
    Agrees {
        /// Block number.
        number: u64,
        /// Its hash.
        hash: B256,
    },
    /// Nobody signed, or nobody whose word counts.
    #[error(
        "block {number} is signed by {signer}, which is no key of the schedule (help: check that the evidence is of this chain)"
    )]
    Signer {
        /// Block number.
        number: u64,
        /// Who signed; `nobody` where the signature is none.
        signer: String,
    },
}

impl LayerError for EvidenceError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Rejected
    }

    fn code(&self) -> &'static str {
        "RW-NODE-010"
    }
}

impl FeedEvidence {
    /// Checks, with nothing but the chain's rules, that a key of the schedule
    /// signed another block than the one that DA is said to give. Returns who.
    ///
    /// `chain` is the chain id and the hash of the genesis block. Pure. What
    /// DA says is not checked here: derive the chain up to [`at`](Self::at).
    pub fn verify(&self, chain: (u64, B256), rules: &Rules) -> Result<Address, EvidenceError> {
        let BlockRef { number, hash } = self.signed.block();
        if number != self.derived.number {
            return Err(EvidenceError::OtherNumber {
                signed: number,
                derived: self.derived.number,
            });
        }
        if hash == self.derived.hash {
            return Err(EvidenceError::Agrees { number, hash });
        }
        let signer = self.signed.signer(chain);
        let origin = self.signed.input.anchor.ordinal;
        let start = rules.config().da.start_height.0;
        // Where a later epoch began is not told by the rules alone.
        let into_first = self.at.height.0.checked_sub(start);
        let applied = into_first
            .filter(|_| self.at.epoch == 0)
            .map_or(origin, DaOrdinal);
        let counts = |signer: &Address| {
            let mut ordinals = [origin, applied].into_iter();
            ordinals.any(|ordinal| rules.at(ordinal).keys.contains(signer))
        };
        signer.filter(counts).ok_or_else(|| EvidenceError::Signer {
            number,
            signer: signer.map_or_else(|| "nobody".to_owned(), |signer| signer.to_string()),
        })
    }

    /// A file that others can check: the version byte of
    /// [`FEED_VERSION`](crate::FEED_VERSION) and borsh.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = vec![crate::FEED_VERSION];
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        out.into()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. Trailing bytes are
    /// refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EvidenceError> {
        match bytes.split_first() {
            Some((&crate::FEED_VERSION, body)) => {
                borsh::from_slice(body).map_err(|_| EvidenceError::Format)
            }
            _ => Err(EvidenceError::Format),
        }
    }

    /// The message as the feed sent it.
    pub fn frame(&self) -> Bytes {
        FeedFrame::Block(Box::new(self.signed.clone())).encode()
    }
}

/// The evidence that a node keeps, ascending by block number; at most 64.
pub fn feed_evidence<S: ChainStore>(store: &S) -> Result<Vec<FeedEvidence>, NodeError> {
    let rows = records::range(store, records::EVIDENCE, 0, usize::MAX)?;
    Ok(rows.into_iter().map(|(_, evidence)| evidence).collect())
}

pub(super) fn key(number: u64) -> Vec<u8> {
    records::numbered(records::EVIDENCE, number)
}

/// The first record of a number or above.
pub(super) fn next_from<S: ChainStore>(
    store: &S,
    from: u64,
) -> Result<Option<(u64, FeedEvidence)>, NodeError> {
    Ok(records::range(store, records::EVIDENCE, from, 1)?.pop())
}
