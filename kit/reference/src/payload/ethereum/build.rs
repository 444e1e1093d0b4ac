//! Transactions out of columns and signatures.

use super::{
    super::Refusal,
    Raw,
    columns::{Columns, Kind, Row},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{
    eip2718::Encodable2718 as _,
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, uint};

/// Half the order of secp256k1, rounded down.
const HALF_ORDER: U256 =
    uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// In batch order.
pub(super) struct Built {
    pub(super) encoded: Vec<Bytes>,
    pub(super) senders: Vec<Address>,
}

pub(super) fn transactions(
    columns: &Columns,
    raw: &Raw<'_>,
    chain_id: u64,
) -> Result<Built, Refusal> {
    // Authorisations are in grouped order, all else in batch order.
    let mut lists: Vec<Vec<SignedAuthorization>> = Vec::new();
    lists.resize_with(columns.rows.len(), Vec::new);
    let mut signatures = raw.authorisations.chunks_exact(64);
    for at in &columns.grouped {
        for authorisation in &columns.rows[*at].authorisations {
            let (r, s) = signatures.next().map(scalars).unwrap_or_default();
            let inner = Authorization {
                chain_id: authorisation.chain_id,
                address: authorisation.address,
                nonce: authorisation.nonce,
            };
            let parity = authorisation.parity;
            lists[*at].push(SignedAuthorization::new_unchecked(inner, parity, r, s));
        }
    }
    let mut built = Built {
        encoded: Vec::new(),
        senders: Vec::new(),
    };
    let rows = columns.rows.iter().zip(lists).enumerate();
    for ((at, (row, list)), bytes) in rows.zip(raw.transactions.chunks_exact(64)) {
        let (r, s) = scalars(bytes);
        let parity = raw.parities[at / 8] >> (at % 8) & 1 == 1;
        let signature = Signature::new(r, s, parity);
        let (hash, transaction) = transaction(row, list, signature, chain_id);
        if s > HALF_ORDER {
            return Err(Refusal::HighS);
        }
        let sender = signature
            .recover_address_from_prehash(&hash)
            .map_err(|_| Refusal::Recovery)?;
        built.senders.push(sender);
        built.encoded.push(transaction.encoded_2718().into());
    }
    Ok(built)
}

fn scalars(bytes: &[u8]) -> (U256, U256) {
    let (r, s) = bytes.split_at(32);
    (U256::from_be_slice(r), U256::from_be_slice(s))
}

/// What was signed, and the transaction.
fn transaction(
    row: &Row,
    authorization_list: Vec<SignedAuthorization>,
    signature: Signature,
    chain_id: u64,
) -> (alloy_primitives::B256, TxEnvelope) {
    let to = row.to.map_or(TxKind::Create, TxKind::Call);
    let input = Bytes::from(row.calldata.clone());
    let legacy = |chain_id| TxLegacy {
        chain_id,
        nonce: row.nonce,
        gas_price: row.price,
        gas_limit: row.gas_limit,
        to,
        value: row.value,
        input: input.clone(),
    };
    match row.shape.kind {
        Kind::Legacy => sign(legacy(Some(chain_id)), signature),
        Kind::Unprotected => sign(legacy(None), signature),
        Kind::Eip2930 => sign(
            TxEip2930 {
                chain_id,
                nonce: row.nonce,
                gas_price: row.price,
                gas_limit: row.gas_limit,
                to,
                value: row.value,
                access_list: row.access_list.clone(),
                input,
            },
            signature,
        ),
        Kind::Eip1559 => sign(
            TxEip1559 {
                chain_id,
                nonce: row.nonce,
                gas_limit: row.gas_limit,
                max_fee_per_gas: row.price,
                max_priority_fee_per_gas: row.tip,
                to,
                value: row.value,
                access_list: row.access_list.clone(),
                input,
            },
            signature,
        ),
        Kind::Eip7702 => sign(
            TxEip7702 {
                chain_id,
                nonce: row.nonce,
                gas_limit: row.gas_limit,
                max_fee_per_gas: row.price,
                max_priority_fee_per_gas: row.tip,
                to: row.to.unwrap_or_default(),
                value: row.value,
                access_list: row.access_list.clone(),
                authorization_list,
                input,
            },
            signature,
        ),
    }
}

fn sign<T>(transaction: T, signature: Signature) -> (alloy_primitives::B256, TxEnvelope)
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let hash = transaction.signature_hash();
    (hash, transaction.into_signed(signature).into())
}
