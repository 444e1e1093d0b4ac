//! What blobs hold (PROTOCOL.md §3), read with borsh and nothing else.

use crate::Reason;
use alloy_primitives::{Address, B256, Signature, U256, keccak256, uint};
use borsh::{BorshDeserialize, BorshSerialize};

const MAGIC: [u8; 4] = [0xd7, 0x72, 0x77, 0x62];

/// Half the order of secp256k1, rounded down.
const HALF_ORDER: U256 =
    uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// One blob of ours.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Part(Part),
    Forced(Vec<Vec<u8>>),
}

/// Everything before the signature that a key signs, then the piece.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) head: PartHead,
    r: [u8; 32],
    s: [u8; 32],
    parity: u8,
    pub(crate) piece: Vec<u8>,
}

/// The seven fields up to `total_len`.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub(crate) struct PartHead {
    pub(crate) key_entry: u64,
    pub(crate) attempt: u64,
    pub(crate) number: u64,
    pub(crate) batch_id: B256,
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) total_len: u32,
}

#[derive(BorshDeserialize)]
struct PartBody {
    head: PartHead,
    r: [u8; 32],
    s: [u8; 32],
    parity: u8,
    piece: Vec<u8>,
}

/// Reads a blob. `separate` tells by which lane it came, where lanes have
/// addresses of their own: true for the forced lane.
pub(crate) fn read(data: &[u8], rollup_id: B256, separate: Option<bool>) -> Result<Body, Reason> {
    let rest = data.strip_prefix(&MAGIC).ok_or(Reason::Magic)?;
    let (version, rest) = rest.split_first().ok_or(Reason::Magic)?;
    if *version != 1 {
        return Err(Reason::Version);
    }
    let (kind, rest) = rest.split_first().ok_or(Reason::Kind)?;
    if *kind > 1 {
        return Err(Reason::Kind);
    }
    let (rollup, body) = rest.split_at_checked(32).ok_or(Reason::Rollup)?;
    if rollup != rollup_id.as_slice() {
        return Err(Reason::Rollup);
    }
    let is_forced = *kind == 1;
    let read = if is_forced {
        forced(body).ok_or(Reason::ForcedForm)?
    } else {
        part(body).ok_or(Reason::PartForm)?
    };
    if separate.is_some_and(|forced| forced != is_forced) {
        return Err(Reason::Lane);
    }
    Ok(read)
}

fn forced(body: &[u8]) -> Option<Body> {
    let list: Vec<Vec<u8>> = borsh::from_slice(body).ok()?;
    let ok = list.iter().all(|transaction| !transaction.is_empty());
    ok.then_some(Body::Forced(list))
}

fn part(body: &[u8]) -> Option<Body> {
    let read: PartBody = borsh::from_slice(body).ok()?;
    let head = &read.head;
    let well_formed = read.parity <= 1
        && head.index < head.count
        && !read.piece.is_empty()
        && read.piece.len() as u64 <= u64::from(head.total_len);
    well_formed.then_some(Body::Part(Part {
        head: read.head,
        r: read.r,
        s: read.s,
        parity: read.parity,
        piece: read.piece,
    }))
}

impl Part {
    /// The key that signed, if any did.
    pub(crate) fn signer(&self, rollup_id: B256) -> Option<Address> {
        if U256::from_be_bytes(self.s) > HALF_ORDER {
            return None;
        }
        let mut signed = b"rollwright/part/v1".to_vec();
        signed.extend_from_slice(rollup_id.as_slice());
        signed.extend_from_slice(&borsh::to_vec(&self.head).ok()?);
        signed.extend_from_slice(keccak256(&self.piece).as_slice());
        let signature = Signature::new(
            U256::from_be_bytes(self.r),
            U256::from_be_bytes(self.s),
            self.parity == 1,
        );
        signature
            .recover_address_from_prehash(&keccak256(signed))
            .ok()
    }
}

/// The joined pieces of a batch.
#[derive(Clone, Debug, BorshDeserialize)]
pub(crate) struct Envelope {
    pub(crate) version: u8,
    pub(crate) rollup_id: B256,
    pub(crate) digest: B256,
    pub(crate) term: u64,
    pub(crate) number: u64,
    pub(crate) previous: B256,
    pub(crate) first_block: u64,
    pub(crate) parent: B256,
    pub(crate) last_origin: LastOrigin,
    pub(crate) blocks: u32,
    pub(crate) transactions: u32,
    pub(crate) codec: u8,
    pub(crate) decompressed_len: u32,
    pub(crate) announced: Option<Announced>,
    pub(crate) payload: Vec<u8>,
}

/// What an envelope says of an amendment to come. Nothing is derived from it.
#[derive(Clone, Debug, PartialEq, Eq, BorshDeserialize)]
pub(crate) struct Announced {
    pub(crate) activation: u64,
    pub(crate) digest: B256,
    pub(crate) change: u8,
    pub(crate) layer: String,
}

/// A DA point.
#[derive(Clone, Debug, BorshDeserialize)]
pub(crate) struct LastOrigin {
    pub(crate) epoch: u32,
    pub(crate) height: u64,
    pub(crate) hash: B256,
}

/// Reads an envelope; `None` where it is not well-formed.
pub(crate) fn envelope(bytes: &[u8]) -> Option<Envelope> {
    let envelope: Envelope = borsh::from_slice(bytes).ok()?;
    let named = |announced: &Announced| announced.layer.len() <= 32;
    (envelope.version == 2 && envelope.announced.as_ref().is_none_or(named)).then_some(envelope)
}
