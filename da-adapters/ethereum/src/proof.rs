//! Proofs of inclusion and completeness, and their check.

#[cfg(test)]
mod tests;

use crate::{
    Inbox, Transaction,
    block::{BlockError, SealedHeader},
    codec, kzg,
    namespace::{Carried, Item},
};
use alloy_consensus::{Header, proofs::calculate_transaction_root};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable as _, Encodable as _};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlobRef, DaClaim, DaHeader, DaLane, PostedBlob, Proof};

/// The only proof format so far.
pub(crate) const PROOF_VERSION: u16 = 1;

/// Largest proof that is looked at: the transactions of a block of 2^26 gas in
/// zero bytes, and its blobs.
const MAX_PROOF_BYTES: usize = 32 << 20;

/// Why a proof does not show what it is claimed to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The format is not known.
    #[error("proof version {0} is not known")]
    Version(u16),
    /// The proof's bytes do not read, or are of the other kind of proof.
    #[error("the proof does not read: {0}")]
    Malformed(&'static str),
    /// The proof's block contradicts itself.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The header claimed is not that of the proof's block.
    #[error("the header's {field} is not that of the proved block")]
    Header {
        /// Which field.
        field: &'static str,
    },
    /// The number of blobs, or a blob's place, is another one.
    #[error("the block holds {held} blobs of the rollup, the claim is about blob {index}")]
    Place {
        /// Blobs of the rollup in the block.
        held: usize,
        /// Position in the claim; one past the end where blobs are left out.
        index: usize,
    },
    /// A fact of a blob is claimed otherwise than the block has it.
    #[error("blob {index} is claimed with another {fact}")]
    Fact {
        /// Position in the claim.
        index: usize,
        /// `block`, `lane`, `poster`, `commitment`, `data`.
        fact: &'static str,
    },
}

/// What a block's proof consists of. Borsh, in field order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct BlockProof {
    kind: ProofKind,
    /// RLP of Ethereum's header.
    header: Vec<u8>,
    /// All transactions of the block in their EIP-2718 form; `None` where the
    /// header shows that there is no blob transaction and nothing else counts.
    transactions: Option<Vec<Vec<u8>>>,
    /// Raw blobs of ours that no payload encodes to, as they come, which shows
    /// that they are rightly claimed as empty.
    refused: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum ProofKind {
    /// Of the blob at this place among ours.
    Inclusion(u32),
    Completeness,
}

/// What an L1's transactions root commits to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RootRule {
    /// The transactions as they are signed: Ethereum.
    #[default]
    Signed,
    /// The transactions with their sidecars: anvil up to 1.7.1. The data root
    /// is then computed from the signed ones, and the node is believed that
    /// its list is complete. For development only.
    WithSidecars,
}

/// A block's checked header and, where they were needed, transactions.
#[derive(Clone, Debug)]
pub struct BlockBody {
    header: SealedHeader,
    data_root: B256,
    transactions: Option<Vec<Transaction>>,
}

impl BlockBody {
    /// A block whose header alone shows that nothing of ours is in it: no blob
    /// gas, and calldata does not count. `None` where more has to be known.
    pub fn of_header(header: SealedHeader, inbox: &Inbox) -> Option<Self> {
        let suffices = header.is_without_blobs() && !inbox.batch.calldata;
        let data_root = header.header().transactions_root;
        suffices.then_some(Self {
            header,
            data_root,
            transactions: None,
        })
    }

    /// A block with all of its transactions, which are checked.
    pub fn new(
        header: SealedHeader,
        transactions: Vec<Transaction>,
        rule: RootRule,
    ) -> Result<Self, BlockError> {
        let data_root = calculate_transaction_root(&transactions);
        let named = header.header().transactions_root;
        if rule == RootRule::Signed && data_root != named {
            return Err(BlockError::TransactionsRoot {
                computed: data_root,
                named,
            });
        }
        Ok(Self {
            header,
            data_root,
            transactions: Some(transactions),
        })
    }

    /// What derivation uses of the header.
    pub const fn facts(&self) -> DaHeader {
        DaHeader {
            data_root: self.data_root,
            ..self.header.facts()
        }
    }

    /// The block's header.
    pub const fn header(&self) -> &SealedHeader {
        &self.header
    }

    /// The block's transactions, where they were needed.
    pub fn transactions(&self) -> Option<&[Transaction]> {
        self.transactions.as_deref()
    }

    /// What is ours in the block, in order.
    pub fn items(&self, inbox: &Inbox) -> Vec<Item> {
        let height = self.facts().height;
        inbox.items(height, self.transactions.as_deref().unwrap_or_default())
    }

    fn prove(&self, kind: ProofKind, refused: Vec<Vec<u8>>) -> Proof {
        let mut header = Vec::new();
        self.header.header().encode(&mut header);
        let encode = |list: &Vec<Transaction>| list.iter().map(|tx| tx.encoded_2718()).collect();
        let proof = BlockProof {
            kind,
            header,
            transactions: self.transactions.as_ref().map(encode),
            refused,
        };
        let mut bytes = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut bytes, &proof);
        Proof {
            version: PROOF_VERSION,
            bytes: bytes.into(),
        }
    }

    /// The proof that the block's item with this index stands there. `refused`:
    /// its raw blob, where it has no payload.
    pub fn prove_inclusion(&self, index: u32, refused: Option<Vec<u8>>) -> Proof {
        self.prove(ProofKind::Inclusion(index), refused.into_iter().collect())
    }

    /// The proof that the block's items are all. `refused`: the raw blobs
    /// without payload, each once, by first appearance.
    pub fn prove_completeness(&self, refused: Vec<Vec<u8>>) -> Proof {
        self.prove(ProofKind::Completeness, refused)
    }
}

/// Checks a claim about a rollup's blobs in a block. Pure.
///
/// `Ok` means: given that `header` is a block of the L1, the claim holds. A
/// single altered byte in header, claim or proof makes it fail. Costs about
/// 50 ms per claimed blob, after everything cheaper held.
pub fn verify(
    inbox: &Inbox,
    rule: RootRule,
    header: &DaHeader,
    claim: &DaClaim,
    proof: &Proof,
) -> Result<(), ProofError> {
    let proof = decode(proof)?;
    let items = check_block(inbox, rule, header, &proof)?.items(inbox);
    let mut refused = Refused::new(&proof.refused);
    match claim {
        DaClaim::Included {
            reference,
            lane,
            data,
        } => {
            if proof.kind != ProofKind::Inclusion(reference.index) {
                return Err(ProofError::Malformed("not a proof of this inclusion"));
            }
            let index = reference.index as usize;
            let item = items.get(index).ok_or(ProofError::Place {
                held: items.len(),
                index,
            })?;
            check_place(header, item, index, reference, *lane)?;
            check_data(item, index, data, &mut refused)?;
        }
        DaClaim::Complete { blobs } => {
            if proof.kind != ProofKind::Completeness {
                return Err(ProofError::Malformed("not a proof of completeness"));
            }
            if blobs.len() != items.len() {
                return Err(ProofError::Place {
                    held: items.len(),
                    index: blobs.len(),
                });
            }
            let pairs = || items.iter().zip(blobs).enumerate();
            for (index, (item, blob)) in pairs() {
                check_facts(header, item, index, blob)?;
            }
            for (index, (item, blob)) in pairs() {
                check_data(item, index, &blob.data, &mut refused)?;
            }
        }
    }
    refused.finish()
}

fn decode(proof: &Proof) -> Result<BlockProof, ProofError> {
    if proof.version != PROOF_VERSION {
        return Err(ProofError::Version(proof.version));
    }
    if proof.bytes.len() > MAX_PROOF_BYTES {
        return Err(ProofError::Malformed("it is too long"));
    }
    borsh::from_slice(&proof.bytes).map_err(|_| ProofError::Malformed("its encoding"))
}

/// The proof's block, once it is the header's.
fn check_block(
    inbox: &Inbox,
    rule: RootRule,
    header: &DaHeader,
    proof: &BlockProof,
) -> Result<BlockBody, ProofError> {
    let mut rest = &proof.header[..];
    let decoded =
        Header::decode(&mut rest).map_err(|_| ProofError::Malformed("the header's encoding"))?;
    if !rest.is_empty() {
        return Err(ProofError::Malformed("bytes behind the header"));
    }
    let sealed = SealedHeader::check(decoded, header.hash)?;
    let body = match &proof.transactions {
        Some(list) => {
            let decode = |bytes: &Vec<u8>| Transaction::decode_2718_exact(bytes);
            let decoded: Result<Vec<_>, _> = list.iter().map(decode).collect();
            let list = decoded.map_err(|_| ProofError::Malformed("a transaction's encoding"))?;
            BlockBody::new(sealed, list, rule)?
        }
        None => BlockBody::of_header(sealed, inbox)
            .ok_or(ProofError::Malformed("the transactions are missing"))?,
    };
    let facts = body.facts();
    for (field, same) in [
        ("height", facts.height == header.height),
        ("parent hash", facts.parent_hash == header.parent_hash),
        ("time", facts.time == header.time),
        ("data root", facts.data_root == header.data_root),
    ] {
        if !same {
            return Err(ProofError::Header { field });
        }
    }
    Ok(body)
}

fn check_place(
    header: &DaHeader,
    item: &Item,
    index: usize,
    reference: &BlobRef,
    lane: DaLane,
) -> Result<(), ProofError> {
    for (fact, same) in [
        ("block", reference.block == header.id()),
        ("place", reference.index as usize == index),
        ("lane", lane == item.lane),
        ("commitment", reference.commitment == item.commitment()),
    ] {
        if !same {
            return Err(ProofError::Fact { index, fact });
        }
    }
    Ok(())
}

fn check_facts(
    header: &DaHeader,
    item: &Item,
    index: usize,
    blob: &PostedBlob,
) -> Result<(), ProofError> {
    check_place(header, item, index, &blob.reference, blob.lane)?;
    if blob.poster.as_deref().map(|bytes| &bytes[..]) != Some(item.poster.as_slice()) {
        let fact = "poster";
        return Err(ProofError::Fact { index, fact });
    }
    Ok(())
}

fn check_data(
    item: &Item,
    index: usize,
    data: &Bytes,
    refused: &mut Refused<'_>,
) -> Result<(), ProofError> {
    let holds = match &item.carried {
        Carried::Calldata(part) => part == data,
        Carried::Blob(hash) if data.is_empty() && refused.shows(*hash) => true,
        Carried::Blob(hash) => {
            codec::encode(data).is_ok_and(|blob| kzg::versioned_hash(&blob) == Ok(*hash))
        }
    };
    let fact = "data";
    holds.then_some(()).ok_or(ProofError::Fact { index, fact })
}

/// Raw blobs that a proof brings, in the order in which they are needed.
struct Refused<'a> {
    rest: std::slice::Iter<'a, Vec<u8>>,
    shown: Vec<B256>,
}

impl<'a> Refused<'a> {
    fn new(blobs: &'a [Vec<u8>]) -> Self {
        Self {
            rest: blobs.iter(),
            shown: Vec::new(),
        }
    }

    /// True where the next raw blob, or one before, has this hash and no
    /// payload.
    fn shows(&mut self, hash: B256) -> bool {
        if self.shown.contains(&hash) {
            return true;
        }
        let Some(raw) = self.rest.as_slice().first() else {
            return false;
        };
        let shows = codec::decode(raw).is_err() && kzg::versioned_hash(raw) == Ok(hash);
        if shows {
            self.rest.next();
            self.shown.push(hash);
        }
        shows
    }

    /// Every raw blob was needed.
    fn finish(&self) -> Result<(), ProofError> {
        if self.rest.as_slice().is_empty() {
            Ok(())
        } else {
            Err(ProofError::Malformed("a raw blob that nothing refers to"))
        }
    }
}
