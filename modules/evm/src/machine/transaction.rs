use alloc::{sync::Arc, vec::Vec};
use alloy_consensus::{
    EthereumTxEnvelope, SignableTransaction, Signed, Transaction, TxEip4844, Typed2718,
    crypto::secp256k1::recover_signer, transaction::SignerRecoverable,
};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature};
use revm::{context::TxEnv, context_interface::either::Either};
use rollwright_core::Candidate;

/// A typed transaction with its signature; never with a blob sidecar.
pub type TxEnvelope = EthereumTxEnvelope<TxEip4844>;

/// A transaction decoded once, with everything that costs a signature
/// recovery: its sender, and the authorities of its authorisation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredTx {
    envelope: TxEnvelope,
    sender: Address,
    authorities: Vec<RecoveredAuthority>,
    bytes: Bytes,
}

/// Why bytes are no transaction of this chain's kind. Deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TxError {
    /// Not an EIP-2718 transaction, or of a type that is unknown, or with
    /// bytes left over.
    #[error("not a transaction of a known type (0, 1, 2 or 4) in EIP-2718 form")]
    Malformed,
    /// It decodes, but another encoding is the canonical one.
    #[error("the transaction's encoding is not canonical RLP")]
    NotCanonical,
    /// EIP-4844: a rollup has no blobs of its own.
    #[error(
        "blob transactions (type 3) are not supported on a rollup; put data into calldata, or post blobs to the DA layer itself"
    )]
    Blob,
    /// The signature recovers to no address, or its s is high (EIP-2).
    #[error(
        "the transaction's signature is invalid: no signer can be recovered, or s is not in the lower half"
    )]
    Signature,
}

impl RecoveredTx {
    /// Decodes, checks that the encoding is canonical, and recovers the
    /// sender and all authorities.
    pub fn decode(bytes: &Bytes) -> Result<Self, TxError> {
        let envelope = Self::envelope_of(bytes)?;
        let sender = envelope.recover_signer().map_err(|_| TxError::Signature)?;
        Ok(Self::from_parts(envelope, sender, bytes.clone()))
    }

    /// The decoding half of [`decode`](Self::decode): no signature is looked
    /// at.
    pub fn envelope_of(bytes: &[u8]) -> Result<TxEnvelope, TxError> {
        if bytes.first() == Some(&3) {
            return Err(TxError::Blob);
        }
        let envelope = TxEnvelope::decode_2718_exact(bytes).map_err(|_| TxError::Malformed)?;
        if envelope.encode_2718_len() != bytes.len() || envelope.encoded_2718() != *bytes {
            return Err(TxError::NotCanonical);
        }
        Ok(envelope)
    }

    /// A transaction whose sender is known already. The caller vouches that
    /// `sender` signed `envelope` and that `bytes` is its canonical encoding;
    /// authorities are recovered here.
    pub fn from_parts(envelope: TxEnvelope, sender: Address, bytes: Bytes) -> Self {
        let authorities = envelope
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .map(authority)
            .collect();
        Self {
            envelope,
            sender,
            authorities,
            bytes,
        }
    }

    /// The typed transaction.
    pub const fn envelope(&self) -> &TxEnvelope {
        &self.envelope
    }

    /// Who signed it.
    pub const fn sender(&self) -> Address {
        self.sender
    }

    /// EIP-2718 bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Transaction hash.
    pub fn hash(&self) -> B256 {
        *self.envelope.tx_hash()
    }

    /// True for a legacy transaction without chain id: valid on every chain.
    pub fn is_unprotected(&self) -> bool {
        self.envelope.is_legacy() && self.envelope.chain_id().is_none()
    }

    /// What revm executes.
    pub fn env(&self) -> TxEnv {
        let tx = &self.envelope;
        let authorization_list = tx
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .zip(&self.authorities)
            .map(|(signed, authority)| {
                let inner = signed.inner().clone();
                Either::Right(RecoveredAuthorization::new_unchecked(
                    inner,
                    authority.clone(),
                ))
            })
            .collect();
        TxEnv {
            tx_type: tx.ty(),
            caller: self.sender,
            gas_limit: tx.gas_limit(),
            gas_price: tx.max_fee_per_gas(),
            kind: tx.kind(),
            value: tx.value(),
            data: tx.input().clone(),
            nonce: tx.nonce(),
            chain_id: tx.chain_id(),
            access_list: tx.access_list().cloned().unwrap_or_default(),
            gas_priority_fee: tx.max_priority_fee_per_gas(),
            blob_hashes: tx.blob_versioned_hashes().unwrap_or_default().to_vec(),
            max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
            authorization_list,
        }
    }
}

/// EIP-7702: who signed an authorisation. An invalid one is skipped by
/// execution; it does not make the transaction invalid.
fn authority(signed: &SignedAuthorization) -> RecoveredAuthority {
    signed
        .signature()
        .ok()
        .and_then(|signature| recover_signer(&signature, signed.signature_hash()).ok())
        .map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid)
}

/// Fields of a header that a sandbox was asked for. Nobody else would find such
/// a block valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pretended {
    /// `prev_randao`.
    pub prev_randao: Option<B256>,
    /// Base fee in wei.
    pub base_fee: Option<u64>,
}

/// Where the machine gets decoded transactions with their senders: a node's
/// cache, or plain recovery.
///
/// The answer depends on the bytes alone, however it is found.
pub trait SenderSource {
    /// Decodes `bytes`, as [`RecoveredTx::decode`] does.
    fn recovered(&self, bytes: &Bytes) -> Result<Arc<RecoveredTx>, TxError>;

    /// A candidate for a new block. A source that remembers what it has
    /// admitted may look it up by [`Candidate::hash`] instead of hashing.
    fn candidate(&self, candidate: &Candidate) -> Result<Arc<RecoveredTx>, TxError> {
        self.recovered(&candidate.bytes)
    }

    /// True where senders may be contracts, so that EIP-3607 does not hold: a
    /// sandbox in which accounts are impersonated.
    fn impersonates(&self) -> bool {
        false
    }

    /// What the next block that is built says of itself in place of what
    /// follows from its parent and its anchor: a sandbox that was asked to.
    fn pretended(&self) -> Pretended {
        Pretended::default()
    }
}

impl<T: SenderSource + ?Sized> SenderSource for &T {
    fn recovered(&self, bytes: &Bytes) -> Result<Arc<RecoveredTx>, TxError> {
        (**self).recovered(bytes)
    }

    fn candidate(&self, candidate: &Candidate) -> Result<Arc<RecoveredTx>, TxError> {
        (**self).candidate(candidate)
    }

    fn impersonates(&self) -> bool {
        (**self).impersonates()
    }

    fn pretended(&self) -> Pretended {
        (**self).pretended()
    }
}

/// Recovers each sender anew: what a prover does.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainRecovery;

impl SenderSource for PlainRecovery {
    fn recovered(&self, bytes: &Bytes) -> Result<Arc<RecoveredTx>, TxError> {
        RecoveredTx::decode(bytes).map(Arc::new)
    }
}

/// Signs with a raw signature; a convenience for tests and tools.
pub fn signed<T>(transaction: T, signature: Signature) -> TxEnvelope
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<Signed<T>>,
{
    transaction.into_signed(signature).into()
}
