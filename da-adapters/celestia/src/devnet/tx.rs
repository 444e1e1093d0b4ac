//! Accounts, and the transactions with which they pay for blobs.
//!
//! Source: Cosmos SDK, `SIGN_MODE_DIRECT`; celestia-app, `MsgPayForBlobs`.

use super::square::BlobUnit;
use crate::{CelestiaError, GasPrice, gas};
use celestia_proto::{
    celestia::blob::v1::MsgPayForBlobs as RawMsgPayForBlobs,
    cosmos::{
        base::v1beta1::Coin,
        crypto::secp256k1::PubKey,
        tx::v1beta1::{
            AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw,
            mode_info::{Single, Sum},
        },
    },
};
use celestia_types::{
    Blob,
    blob::MsgPayForBlobs,
    state::{AccAddress, Address},
};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey, signature::Signer};
use prost::Message;
use sha2::{Digest, Sha256};
use tendermint_proto::google::protobuf::Any;

/// Signs with the account's key over the document itself.
const SIGN_MODE_DIRECT: i32 = 1;

/// A key that pays for blobs.
#[derive(Clone)]
pub(crate) struct Account {
    key: SigningKey,
    address: AccAddress,
    number: u64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("address", &self.address.to_string())
            .finish_non_exhaustive()
    }
}

/// A signed transaction, and what it costs.
#[derive(Clone, Debug)]
pub(crate) struct SignedUnit {
    pub(crate) unit: BlobUnit,
    /// SHA-256 of the transaction without its blobs.
    pub(crate) hash: [u8; 32],
    pub(crate) fee: u64,
}

impl Account {
    /// The account of a seed: its key is a hash of it.
    pub(crate) fn new(seed: u64, number: u64) -> Result<Self, CelestiaError> {
        let mut hasher = Sha256::new();
        hasher.update(b"rollwright-da-celestia/account/1");
        hasher.update(seed.to_le_bytes());
        hasher.update(number.to_le_bytes());
        let key = SigningKey::from_slice(&hasher.finalize())
            .map_err(|_| CelestiaError::Devnet("the seed gives no account key".to_owned()))?;
        let Address::AccAddress(address) =
            Address::from_account_verifying_key(VerifyingKey::from(&key))
        else {
            return Err(CelestiaError::Devnet("the key has no address".to_owned()));
        };
        Ok(Self {
            key,
            address,
            number,
        })
    }

    pub(crate) const fn address(&self) -> AccAddress {
        self.address
    }

    /// A transaction that pays for `blobs` with the account's `sequence`.
    pub(crate) fn pay(
        &self,
        chain_id: &str,
        sequence: u64,
        price: GasPrice,
        blobs: Vec<Blob>,
    ) -> Result<SignedUnit, CelestiaError> {
        let shares = blobs
            .iter()
            .map(|blob| gas::shares_needed(blob.data.len() as u64, blob.signer.is_some()))
            .sum();
        let gas_limit = gas::gas(shares, blobs.len() as u64);
        let fee = u64::try_from(price.fee(gas_limit)).unwrap_or(u64::MAX);
        let message = MsgPayForBlobs::new(&blobs, self.address)
            .map_err(|error| CelestiaError::Devnet(error.to_string()))?;
        let body = TxBody {
            messages: vec![Any {
                type_url: "/celestia.blob.v1.MsgPayForBlobs".to_owned(),
                value: RawMsgPayForBlobs::from(message).encode_to_vec(),
            }],
            ..TxBody::default()
        };
        let public = PubKey {
            key: self.key.verifying_key().to_sec1_bytes().to_vec(),
        };
        let auth = AuthInfo {
            signer_infos: vec![SignerInfo {
                public_key: Some(Any {
                    type_url: "/cosmos.crypto.secp256k1.PubKey".to_owned(),
                    value: public.encode_to_vec(),
                }),
                mode_info: Some(ModeInfo {
                    sum: Some(Sum::Single(Single {
                        mode: SIGN_MODE_DIRECT,
                    })),
                }),
                sequence,
            }],
            fee: Some(Fee {
                amount: vec![Coin {
                    denom: "utia".to_owned(),
                    amount: fee.to_string(),
                }],
                gas_limit,
                ..Fee::default()
            }),
            ..AuthInfo::default()
        };
        let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth.encode_to_vec());
        let document = SignDoc {
            body_bytes: body_bytes.clone(),
            auth_info_bytes: auth_info_bytes.clone(),
            chain_id: chain_id.to_owned(),
            account_number: self.number,
        };
        let signature: Signature = self.key.sign(&document.encode_to_vec());
        let tx = TxRaw {
            body_bytes,
            auth_info_bytes,
            signatures: vec![signature.to_bytes().to_vec()],
        }
        .encode_to_vec();
        Ok(SignedUnit {
            hash: Sha256::digest(&tx).into(),
            fee,
            unit: BlobUnit { tx, blobs },
        })
    }
}

#[cfg(test)]
mod tests;
