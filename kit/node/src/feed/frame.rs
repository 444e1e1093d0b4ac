use crate::{NodeError, SequencerKey};
use alloy_consensus::crypto::secp256k1;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockInput, BlockRef};
use std::fmt;

/// Version of the messages; their first byte.
pub const FEED_VERSION: u8 = 1;

/// A message of the server.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FeedFrame {
    /// First.
    Hello(FeedHello),
    /// A block.
    Block(Box<SignedBlock>),
    /// Last: the server closes the connection.
    Goodbye(FeedGoodbye),
}

/// Which chain is served, and from where on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FeedHello {
    /// Chain id.
    pub chain_id: u64,
    /// Genesis hash.
    pub rollup_id: B256,
    /// The server's latest block.
    pub latest: BlockRef,
}

/// Why a server closes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FeedGoodbye {
    /// The requested block is not kept: derive up to `first − 1` from DA, or
    /// ask another peer.
    TooOld {
        /// The server's first block.
        first: u64,
    },
    /// The reader is too slow.
    TooSlow,
    /// The node stops.
    Stopping,
}

impl fmt::Display for FeedGoodbye {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { first } => write!(f, "the peer keeps blocks from {first} on"),
            Self::TooSlow => f.write_str("the peer says that this node reads too slowly"),
            Self::Stopping => f.write_str("the peer stops"),
        }
    }
}

/// A block with the sequencer's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedBlock {
    /// Hash of the sealed header.
    pub hash: B256,
    /// Term of the sequencer process.
    pub term: u64,
    /// What makes the block again.
    pub input: BlockInput,
    /// r, s, parity (0 or 1) over [`signing_hash`](Self::signing_hash).
    pub signature: [u8; 65],
}

impl SignedBlock {
    /// Signs a block.
    pub fn sign(
        key: &SequencerKey,
        chain: (u64, B256),
        term: u64,
        hash: B256,
        input: BlockInput,
    ) -> Result<Self, NodeError> {
        let digest = signing_hash(chain, input.number(), hash, input.hash(), term);
        let signature = key.sign(digest)?;
        Ok(Self {
            hash,
            term,
            input,
            signature: pack(&signature),
        })
    }

    /// Number and hash.
    pub const fn block(&self) -> BlockRef {
        BlockRef {
            number: self.input.number(),
            hash: self.hash,
        }
    }

    /// The EIP-712 hash that is signed: domain (name "Rollwright feed",
    /// version "1", chain id), struct `Block(bytes32 rollupId, uint64 number,
    /// bytes32 blockHash, bytes32 inputHash, uint64 term)`.
    pub fn signing_hash(&self, chain: (u64, B256)) -> B256 {
        signing_hash(
            chain,
            self.input.number(),
            self.hash,
            self.input.hash(),
            self.term,
        )
    }

    /// Who signed; `None` where the signature is none, or not in its one
    /// canonical form (low s, parity 0 or 1).
    pub fn signer(&self, chain: (u64, B256)) -> Option<Address> {
        let signature = unpack(&self.signature)?;
        secp256k1::recover_signer(&signature, self.signing_hash(chain)).ok()
    }
}

impl FeedFrame {
    /// As it is sent.
    pub fn encode(&self) -> Bytes {
        let mut out = vec![FEED_VERSION];
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        out.into()
    }

    /// Reads a message; `None` for anything that is none of this version.
    /// Trailing bytes are refused.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first() {
            Some((&FEED_VERSION, body)) => borsh::from_slice(body).ok(),
            _ => None,
        }
    }
}

fn signing_hash(chain: (u64, B256), number: u64, hash: B256, input: B256, term: u64) -> B256 {
    let (chain_id, rollup_id) = chain;
    let word = |value: u64| B256::from(U256::from(value));
    let join = |words: &[B256]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.0).collect();
        keccak256(bytes)
    };
    let domain = join(&[
        keccak256("EIP712Domain(string name,string version,uint256 chainId)"),
        keccak256("Rollwright feed"),
        keccak256("1"),
        word(chain_id),
    ]);
    let block = join(&[
        keccak256(
            "Block(bytes32 rollupId,uint64 number,bytes32 blockHash,bytes32 inputHash,uint64 term)",
        ),
        rollup_id,
        word(number),
        hash,
        input,
        word(term),
    ]);
    let mut message = vec![0x19, 0x01];
    message.extend_from_slice(domain.as_slice());
    message.extend_from_slice(block.as_slice());
    keccak256(message)
}

fn pack(signature: &Signature) -> [u8; 65] {
    let mut out = [0; 65];
    out[..32].copy_from_slice(&signature.r().to_be_bytes::<32>());
    out[32..64].copy_from_slice(&signature.s().to_be_bytes::<32>());
    out[64] = u8::from(signature.v());
    out
}

fn unpack(bytes: &[u8; 65]) -> Option<Signature> {
    let parity = match bytes[64] {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(Signature::new(
        U256::from_be_slice(&bytes[..32]),
        U256::from_be_slice(&bytes[32..64]),
        parity,
    ))
}
