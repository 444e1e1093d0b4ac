//! Encoded transactions, straight from their columns.

use super::{
    columns::{Columns, Input, Plan},
    shape::Kind,
};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Keccak256, U256};
use alloy_rlp::{Encodable, Header};

/// A transaction rebuilt from columns.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// EIP-2718 bytes.
    pub(super) bytes: Vec<u8>,
    /// Transaction hash, by which senders are remembered.
    #[cfg(feature = "std")]
    pub(super) hash: B256,
    /// What was signed.
    pub(super) signed_hash: B256,
}

/// Writes the transaction of `plan`. `scratch` is reused between calls.
pub(super) fn rebuild(
    columns: &Columns<'_>,
    plan: &Plan<'_>,
    chain_id: u64,
    signature: (U256, U256, bool),
    scratch: &mut Vec<u8>,
) -> Rebuilt {
    scratch.clear();
    put_fields(columns, plan, chain_id, scratch);
    let fields = scratch.len();
    let signed_hash = signed_hash(plan.kind, chain_id, scratch);
    put_signature(plan.kind, chain_id, signature, scratch);
    debug_assert!(scratch.len() > fields);

    let header = Header {
        list: true,
        payload_length: scratch.len(),
    };
    let mut bytes = Vec::with_capacity(1 + header.length() + scratch.len());
    bytes.extend(plan.kind.type_byte());
    header.encode(&mut bytes);
    bytes.extend_from_slice(scratch);
    Rebuilt {
        #[cfg(feature = "std")]
        hash: alloy_primitives::keccak256(&bytes),
        bytes,
        signed_hash,
    }
}

/// All fields before the signature, without the list's header.
fn put_fields(columns: &Columns<'_>, plan: &Plan<'_>, chain_id: u64, out: &mut Vec<u8>) {
    let typed = plan.kind.type_byte().is_some();
    if typed {
        chain_id.encode(out);
    }
    plan.nonce.encode(out);
    if plan.kind.has_tip() {
        plan.tip.encode(out);
    }
    plan.price.encode(out);
    plan.gas_limit.encode(out);
    match &plan.to {
        Some(to) => to.encode(out),
        None => out.push(alloy_rlp::EMPTY_STRING_CODE),
    }
    plan.value.encode(out);
    put_input(columns, &plan.input, out);
    if typed {
        put_accesses(columns, plan, out);
    }
    if plan.kind == Kind::Eip7702 {
        put_authorisations(columns, plan, out);
    }
}

fn put_input(columns: &Columns<'_>, input: &Input<'_>, out: &mut Vec<u8>) {
    match *input {
        Input::Bytes(bytes) => bytes.encode(out),
        Input::Abi {
            selector,
            first,
            stride,
            words,
        } => {
            Header {
                list: false,
                payload_length: input.len(),
            }
            .encode(out);
            out.extend_from_slice(&selector);
            let words = columns.words[first.min(columns.words.len())..]
                .iter()
                .step_by(stride)
                .take(words);
            words.for_each(|word| out.extend_from_slice(word));
        }
    }
}

fn put_accesses(columns: &Columns<'_>, plan: &Plan<'_>, out: &mut Vec<u8>) {
    let accesses = &columns.accesses[plan.accesses.clone()];
    let list = |payload_length| Header {
        list: true,
        payload_length,
    };
    let entry = |keys: &[u8]| {
        let keys = list(keys.len() / 32 * 33);
        list(21 + keys.length_with_payload())
    };
    let payload = accesses
        .iter()
        .map(|access| entry(access.keys).length_with_payload())
        .sum();
    list(payload).encode(out);
    for access in accesses {
        entry(access.keys).encode(out);
        access.address.encode(out);
        list(access.keys.len() / 32 * 33).encode(out);
        for key in access.keys.chunks_exact(32) {
            key.encode(out);
        }
    }
}

fn put_authorisations(columns: &Columns<'_>, plan: &Plan<'_>, out: &mut Vec<u8>) {
    #[derive(alloy_rlp::RlpEncodable)]
    struct Signed {
        chain_id: U256,
        address: Address,
        nonce: u64,
        y_parity: u8,
        r: U256,
        s: U256,
    }
    let signed: Vec<Signed> = columns.authorisations[plan.authorisations.clone()]
        .iter()
        .map(|authorisation| {
            let (r, s) = authorisation.signature.split_at(32);
            Signed {
                chain_id: authorisation.chain_id,
                address: authorisation.address,
                nonce: authorisation.nonce,
                y_parity: authorisation.y_parity,
                r: U256::from_be_slice(r),
                s: U256::from_be_slice(s),
            }
        })
        .collect();
    signed.encode(out);
}

/// keccak256 of what the sender signed.
fn signed_hash(kind: Kind, chain_id: u64, fields: &[u8]) -> B256 {
    let mut suffix = Vec::new();
    if kind == Kind::Legacy {
        // EIP-155: chain id, 0, 0.
        chain_id.encode(&mut suffix);
        suffix.extend_from_slice(&[alloy_rlp::EMPTY_STRING_CODE; 2]);
    }
    let mut prefix = Vec::with_capacity(10);
    prefix.extend(kind.type_byte());
    Header {
        list: true,
        payload_length: fields.len() + suffix.len(),
    }
    .encode(&mut prefix);
    let mut hasher = Keccak256::new();
    hasher.update(&prefix);
    hasher.update(fields);
    hasher.update(&suffix);
    hasher.finalize()
}

fn put_signature(kind: Kind, chain_id: u64, (r, s, parity): (U256, U256, bool), out: &mut Vec<u8>) {
    match kind {
        Kind::Legacy => {
            (u128::from(chain_id) * 2 + 35 + u128::from(parity)).encode(out);
        }
        Kind::LegacyUnprotected => (27 + u64::from(parity)).encode(out),
        _ => u8::from(parity).encode(out),
    }
    r.encode(out);
    s.encode(out);
}
