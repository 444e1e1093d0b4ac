//! Accounts beside the node's own, and what they sign.
//!
//! Source: Cosmos SDK, ante handlers of `SIGN_MODE_DIRECT`; celestia-app,
//! checks of `BlobTx`.

use super::{square::BlobUnit, tx::gas_for};
use crate::pay::{BLOB_TX, PAY_FOR_BLOBS, SECP256K1};
use borsh::{BorshDeserialize, BorshSerialize};
use celestia_proto::{
    celestia::blob::v1::MsgPayForBlobs as RawMsgPayForBlobs,
    cosmos::{
        crypto::secp256k1::PubKey,
        tx::v1beta1::{AuthInfo, SignDoc, TxBody, TxRaw},
    },
};
use celestia_types::{
    Blob,
    blob::{MsgPayForBlobs, RawBlobTx},
    state::{AccAddress, Address},
};
use k256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use prost::Message;
use sha2::{Digest, Sha256};

/// Codes of the Cosmos SDK.
pub(crate) mod code {
    pub(crate) const DECODE: u32 = 2;
    pub(crate) const UNAUTHORIZED: u32 = 4;
    pub(crate) const FUNDS: u32 = 5;
    pub(crate) const UNKNOWN_ADDRESS: u32 = 9;
    pub(crate) const FEE: u32 = 13;
    pub(crate) const CACHED: u32 = 19;
    pub(crate) const FULL: u32 = 20;
    /// celestia-app: more shares than a square holds.
    pub(crate) const TOO_LARGE: u32 = 11139;
    /// celestia-app: more bytes than any transaction may have.
    pub(crate) const EXCEEDS_SIZE: u32 = 11142;
    pub(crate) const SEQUENCE: u32 = 32;
    /// celestia-app: a blob or its commitment does not fit its message.
    pub(crate) const BLOB: u32 = 11116;
}

/// Why a transaction is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: u32,
    pub(crate) log: String,
}

pub(crate) fn refused(code: u32, log: impl Into<String>) -> Refused {
    Refused {
        code,
        log: log.into(),
    }
}

/// An account in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct AccountState {
    pub(crate) number: u64,
    pub(crate) sequence: u64,
    pub(crate) balance: u64,
}

/// What a transaction from outside says, its blobs checked against it.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) unit: BlobUnit,
    pub(crate) hash: [u8; 32],
    pub(crate) signer: [u8; 20],
    pub(crate) address: String,
    pub(crate) sequence: u64,
    pub(crate) fee: u64,
    pub(crate) gas_limit: u64,
    /// What its blobs need.
    pub(crate) gas: u64,
    key: VerifyingKey,
    signature: Signature,
    body: Vec<u8>,
    auth: Vec<u8>,
}

/// An address as the state keys by it.
pub(crate) fn key_of(address: &AccAddress) -> Option<[u8; 20]> {
    use celestia_types::state::AddressTrait;
    address.as_bytes().try_into().ok()
}

impl Offered {
    /// Reads a transaction with its blobs.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let decode = |what: &str| refused(code::DECODE, format!("{what}: tx parse error"));
        let blob_tx = RawBlobTx::decode(bytes).map_err(|_| decode("no blob transaction"))?;
        if blob_tx.type_id != BLOB_TX {
            return Err(decode("the type is not BLOB"));
        }
        let tx = TxRaw::decode(blob_tx.tx.as_slice()).map_err(|_| decode("no transaction"))?;
        let body = TxBody::decode(tx.body_bytes.as_slice()).map_err(|_| decode("no body"))?;
        let auth = AuthInfo::decode(tx.auth_info_bytes.as_slice())
            .map_err(|_| decode("no signer information"))?;
        let [message] = body.messages.as_slice() else {
            return Err(decode("not one message"));
        };
        let [signer] = auth.signer_infos.as_slice() else {
            return Err(decode("not one signer"));
        };
        let [signature] = tx.signatures.as_slice() else {
            return Err(decode("not one signature"));
        };
        let fee = auth.fee.as_ref().ok_or_else(|| decode("no fee"))?;
        if message.type_url != PAY_FOR_BLOBS {
            return Err(decode("the message does not pay for blobs"));
        }
        let message = RawMsgPayForBlobs::decode(message.value.as_slice())
            .map_err(|_| decode("no message"))?;
        let unauthorized = || refused(code::UNAUTHORIZED, "signature verification failed");
        let key = signer
            .public_key
            .as_ref()
            .filter(|any| any.type_url == SECP256K1)
            .and_then(|any| PubKey::decode(any.value.as_slice()).ok())
            .and_then(|key| VerifyingKey::from_sec1_bytes(&key.key).ok())
            .ok_or_else(unauthorized)?;
        let signature = Signature::from_slice(signature).map_err(|_| unauthorized())?;
        let Address::AccAddress(address) = Address::from_account_verifying_key(key) else {
            return Err(unauthorized());
        };
        let signed_by = key_of(&address).ok_or_else(unauthorized)?;
        let blobs = blob_tx
            .blobs
            .into_iter()
            .map(Blob::from_raw)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| refused(code::BLOB, error.to_string()))?;
        let expected = MsgPayForBlobs::new(&blobs, address)
            .map_err(|error| refused(code::BLOB, error.to_string()))?;
        if RawMsgPayForBlobs::from(expected) != message {
            return Err(refused(
                code::BLOB,
                "the blobs are not those that the message pays for: invalid share commitment",
            ));
        }
        let amount = match fee.amount.as_slice() {
            [] => 0,
            [coin] if coin.denom == "utia" => {
                coin.amount.parse().map_err(|_| decode("no amount"))?
            }
            _ => return Err(decode("a fee in another coin")),
        };
        Ok(Self {
            hash: Sha256::digest(&blob_tx.tx).into(),
            signer: signed_by,
            address: address.to_string(),
            sequence: signer.sequence,
            fee: amount,
            gas_limit: fee.gas_limit,
            gas: gas_for(&blobs),
            key,
            signature,
            body: tx.body_bytes,
            auth: tx.auth_info_bytes,
            unit: BlobUnit {
                tx: blob_tx.tx,
                blobs,
            },
        })
    }

    /// Whether the signature is of this network and account number.
    pub(crate) fn is_signed(&self, chain_id: &str, number: u64) -> bool {
        let document = SignDoc {
            body_bytes: self.body.clone(),
            auth_info_bytes: self.auth.clone(),
            chain_id: chain_id.to_owned(),
            account_number: number,
        };
        self.key
            .verify(&document.encode_to_vec(), &self.signature)
            .is_ok()
    }
}
