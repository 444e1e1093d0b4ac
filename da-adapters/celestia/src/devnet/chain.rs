//! Headers that a network of validators has signed.
//!
//! Source: CometBFT specification, "Data Structures"; `Commit` signatures over
//! canonical votes.

use crate::CelestiaError;
use celestia_types::{DataAvailabilityHeader, ExtendedHeader, ValidatorSet, block::CommitExt};
use ed25519_dalek::{Signer, SigningKey};
use prost::Message;
use sha2::{Digest, Sha256};
use tendermint::{
    AppHash, Hash, PublicKey, Signature, Time,
    block::{Commit, CommitSig, Header, Height, Id, header::Version, parts},
    chain, merkle,
    validator::Info,
    vote::Power,
};
use tendermint_proto::v0_38::types::CommitSig as RawCommitSig;

/// The version of the application that headers name.
const APP_VERSION: u64 = 10;

/// A validator with its key.
#[derive(Clone)]
struct Validator {
    key: SigningKey,
    info: Info,
}

/// The keys of a network.
#[derive(Clone)]
pub(crate) struct Validators {
    chain_id: chain::Id,
    /// In the order of the set.
    members: Vec<Validator>,
}

impl std::fmt::Debug for Validators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validators")
            .field("chain_id", &self.chain_id.as_str())
            .field("members", &self.members.len())
            .finish_non_exhaustive()
    }
}

/// What is wrong with a header that is forged for a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// Only the weakest validator signed.
    FewSignatures,
    /// Signed by others, whose set the header names.
    OtherValidators,
    /// The roots of the square are those of another one.
    OtherRoots,
    /// The time lies before the parent's.
    TimeBack,
}

fn devnet(error: impl std::fmt::Display) -> CelestiaError {
    CelestiaError::Devnet(error.to_string())
}

impl Validators {
    /// `count` validators, whose keys follow from the seed; their powers are
    /// 10, 11, ….
    pub(crate) fn new(chain_id: &str, seed: u64, count: u8) -> Result<Self, CelestiaError> {
        let chain_id: chain::Id = chain_id.parse().map_err(|_| CelestiaError::Config {
            key: "network",
            reason: format!("`{chain_id}` is no chain id of at most 50 characters"),
        })?;
        let mut members = (0..count.max(1))
            .map(|index| {
                let mut hasher = Sha256::new();
                hasher.update(b"rollwright-da-celestia/validator/1");
                hasher.update(seed.to_le_bytes());
                hasher.update([index]);
                let key = SigningKey::from_bytes(&hasher.finalize().into());
                let public = PublicKey::from_raw_ed25519(key.verifying_key().as_bytes())
                    .ok_or_else(|| devnet("the seed gives no validator key"))?;
                let power = Power::try_from(10 + u64::from(index)).map_err(devnet)?;
                Ok(Validator {
                    key,
                    info: Info::new(public, power),
                })
            })
            .collect::<Result<Vec<_>, CelestiaError>>()?;
        members.sort_by_key(|member| (std::cmp::Reverse(member.info.power), member.info.address));
        Ok(Self { chain_id, members })
    }

    pub(crate) fn chain_id(&self) -> &str {
        self.chain_id.as_str()
    }

    fn set(&self) -> ValidatorSet {
        let infos: Vec<_> = self
            .members
            .iter()
            .map(|member| member.info.clone())
            .collect();
        let proposer = infos.first().cloned();
        ValidatorSet::new(infos, proposer)
    }

    /// The next header: above `parent`, or the first one. `next` are the
    /// validators of the header after it.
    pub(crate) fn header(
        &self,
        parent: Option<&ExtendedHeader>,
        next: &Self,
        time_ms: u64,
        app_hash: [u8; 32],
        dah: DataAvailabilityHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let height = parent.map_or(1, |parent| parent.height() + 1);
        let floor = parent.map_or(0, |parent| millis(parent.time()) + 1);
        let time = time(time_ms.max(floor))?;
        self.seal(parent, next, height, time, app_hash, dah)
    }

    fn seal(
        &self,
        parent: Option<&ExtendedHeader>,
        next: &Self,
        height: u64,
        time: Time,
        app_hash: [u8; 32],
        dah: DataAvailabilityHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let set = self.set();
        // The hash of nothing, which CometBFT writes for empty lists.
        let nothing = Hash::Sha256(Sha256::digest([]).into());
        let proposer = set
            .proposer()
            .as_ref()
            .ok_or_else(|| devnet("there is no proposer"))?
            .address;
        let header = Header {
            version: Version {
                block: 11,
                app: APP_VERSION,
            },
            chain_id: self.chain_id.clone(),
            height: Height::try_from(height).map_err(devnet)?,
            time,
            last_block_id: parent.map(|parent| parent.commit.block_id),
            last_commit_hash: Some(parent.map_or(nothing, |parent| commit_hash(&parent.commit))),
            data_hash: Some(dah.hash()),
            validators_hash: set.hash(),
            next_validators_hash: next.set().hash(),
            consensus_hash: Hash::Sha256(Sha256::digest(b"parameters").into()),
            app_hash: AppHash::try_from(app_hash.to_vec()).map_err(devnet)?,
            last_results_hash: Some(nothing),
            evidence_hash: Some(nothing),
            proposer_address: proposer,
        };
        let commit = self.sign(&header)?;
        Ok(ExtendedHeader {
            header,
            commit,
            validator_set: set,
            dah,
        })
    }

    /// The commit of all validators to a header.
    fn sign(&self, header: &Header) -> Result<Commit, CelestiaError> {
        let hash = header.hash();
        let parts = Hash::Sha256(Sha256::digest(hash.as_bytes()).into());
        let vote_time = time(millis(header.time) + 1)?;
        let mut commit = Commit {
            height: header.height,
            round: 0u16.into(),
            block_id: Id {
                hash,
                part_set_header: parts::Header::new(1, parts).map_err(devnet)?,
            },
            signatures: self
                .members
                .iter()
                .map(|member| CommitSig::BlockIdFlagCommit {
                    validator_address: member.info.address,
                    timestamp: vote_time,
                    signature: None,
                })
                .collect(),
        };
        for (index, member) in self.members.iter().enumerate() {
            let bytes = commit
                .vote_sign_bytes(&self.chain_id, index)
                .map_err(devnet)?;
            let signed = member.key.sign(&bytes).to_bytes();
            let signed = Signature::new(signed).map_err(devnet)?;
            if let Some(CommitSig::BlockIdFlagCommit { signature, .. }) =
                commit.signatures.get_mut(index)
            {
                *signature = signed;
            }
        }
        Ok(commit)
    }

    /// A header in the place of `real` that must not be believed.
    pub(crate) fn forge(
        &self,
        real: &ExtendedHeader,
        parent: Option<&ExtendedHeader>,
        forgery: Forgery,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let mut forged = real.clone();
        match forgery {
            Forgery::FewSignatures => {
                let weakest = forged.commit.signatures.len().saturating_sub(1);
                for signature in forged.commit.signatures.iter_mut().take(weakest) {
                    *signature = CommitSig::BlockIdFlagAbsent;
                }
            }
            Forgery::OtherValidators => {
                let others = Self::new(self.chain_id(), u64::MAX, self.members.len() as u8)?;
                let app = *b"forged forged forged forged 1234";
                forged = others.seal(
                    parent,
                    &others,
                    real.height(),
                    real.time(),
                    app,
                    real.dah.clone(),
                )?;
            }
            Forgery::OtherRoots => {
                let (rows, columns) = (real.dah.row_roots(), real.dah.column_roots());
                forged.dah = DataAvailabilityHeader::new_unchecked(columns.to_vec(), rows.to_vec());
                if forged.dah == real.dah {
                    let wide = [rows, rows].concat();
                    forged.dah = DataAvailabilityHeader::new_unchecked(wide.clone(), wide);
                }
            }
            Forgery::TimeBack => {
                let before = parent.map_or(0, |parent| millis(parent.time())).max(1_000);
                let app = *b"forged forged forged forged 1234";
                forged = self.seal(
                    parent,
                    self,
                    real.height(),
                    time(before - 1_000)?,
                    app,
                    real.dah.clone(),
                )?;
            }
        }
        Ok(forged)
    }
}

/// Milliseconds since the Unix epoch; 0 before it.
pub(crate) fn millis(time: Time) -> u64 {
    let nanos = time.unix_timestamp_nanos() / 1_000_000;
    u64::try_from(nanos).unwrap_or(0)
}

fn time(ms: u64) -> Result<Time, CelestiaError> {
    let seconds = i64::try_from(ms / 1_000).map_err(devnet)?;
    let nanos = (ms % 1_000) as u32 * 1_000_000;
    Time::from_unix_timestamp(seconds, nanos).map_err(devnet)
}

/// The root over a commit's signatures, as the next header names it.
fn commit_hash(commit: &Commit) -> Hash {
    let leaves: Vec<Vec<u8>> = commit
        .signatures
        .iter()
        .map(|signature| RawCommitSig::from(signature.clone()).encode_to_vec())
        .collect();
    Hash::Sha256(merkle::simple_hash_from_byte_vectors::<
        tendermint::crypto::default::Sha256,
    >(&leaves))
}

#[cfg(test)]
mod tests;
