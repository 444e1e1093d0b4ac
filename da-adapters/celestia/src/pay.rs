//! Transactions that pay for blobs.
//!
//! Source: Cosmos SDK, `SIGN_MODE_DIRECT`; celestia-app, `MsgPayForBlobs` and
//! `BlobTx`.

use crate::CelestiaError;
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

/// The message that a transaction with blobs holds.
pub(crate) const PAY_FOR_BLOBS: &str = "/celestia.blob.v1.MsgPayForBlobs";

/// The type of a signer's key.
pub(crate) const SECP256K1: &str = "/cosmos.crypto.secp256k1.PubKey";

/// What marks a transaction that carries its blobs.
pub(crate) const BLOB_TX: &str = "BLOB";

/// A key that pays for blobs.
#[derive(Clone)]
pub(crate) struct Payer {
    key: SigningKey,
    address: AccAddress,
}

impl std::fmt::Debug for Payer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payer")
            .field("address", &self.address.to_string())
            .finish_non_exhaustive()
    }
}

/// Everything of a transaction but its blobs.
#[derive(Clone, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) chain_id: &'a str,
    /// The account's number in the state.
    pub(crate) account: u64,
    pub(crate) sequence: u64,
    pub(crate) gas_limit: u64,
    /// In utia.
    pub(crate) fee: u64,
    /// Who pays in the signer's place, if somebody does.
    pub(crate) granter: Option<&'a AccAddress>,
}

/// A signed transaction without its blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) tx: Vec<u8>,
    /// SHA-256 of it: the blobs do not count.
    pub(crate) hash: [u8; 32],
}

impl Payer {
    /// `None` where the bytes are no key, or the key has no address.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = SigningKey::from_slice(bytes).ok()?;
        match Address::from_account_verifying_key(VerifyingKey::from(&key)) {
            Address::AccAddress(address) => Some(Self { key, address }),
            _ => None,
        }
    }

    pub(crate) const fn address(&self) -> AccAddress {
        self.address
    }

    /// Signs a transaction that pays for `blobs`. The same terms and blobs give
    /// the same bytes.
    pub(crate) fn sign(&self, terms: &Terms<'_>, blobs: &[Blob]) -> Result<Signed, CelestiaError> {
        let unfit = |error: celestia_types::Error| CelestiaError::Unknown {
            text: error.to_string(),
            times: CelestiaError::MAX_UNKNOWN,
        };
        let message = MsgPayForBlobs::new(blobs, self.address).map_err(unfit)?;
        let body = TxBody {
            messages: vec![Any {
                type_url: PAY_FOR_BLOBS.to_owned(),
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
                    type_url: SECP256K1.to_owned(),
                    value: public.encode_to_vec(),
                }),
                mode_info: Some(ModeInfo {
                    sum: Some(Sum::Single(Single {
                        mode: SIGN_MODE_DIRECT,
                    })),
                }),
                sequence: terms.sequence,
            }],
            fee: Some(Fee {
                amount: vec![Coin {
                    denom: "utia".to_owned(),
                    amount: terms.fee.to_string(),
                }],
                gas_limit: terms.gas_limit,
                granter: terms.granter.map(ToString::to_string).unwrap_or_default(),
                ..Fee::default()
            }),
            ..AuthInfo::default()
        };
        let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth.encode_to_vec());
        let document = SignDoc {
            body_bytes: body_bytes.clone(),
            auth_info_bytes: auth_info_bytes.clone(),
            chain_id: terms.chain_id.to_owned(),
            account_number: terms.account,
        };
        let signature: Signature = self.key.sign(&document.encode_to_vec());
        let tx = TxRaw {
            body_bytes,
            auth_info_bytes,
            signatures: vec![signature.to_bytes().to_vec()],
        }
        .encode_to_vec();
        Ok(Signed {
            hash: Sha256::digest(&tx).into(),
            tx,
        })
    }
}

/// A signed transaction with its blobs, as a node takes it.
#[cfg(feature = "grpc")]
pub(crate) fn with_blobs(tx: Vec<u8>, blobs: Vec<Blob>) -> Vec<u8> {
    celestia_types::blob::RawBlobTx {
        tx,
        blobs: blobs.into_iter().map(Into::into).collect(),
        type_id: BLOB_TX.to_owned(),
    }
    .encode_to_vec()
}
