//! Commitments, versioned hashes and the sidecars of blob transactions.

#[cfg(test)]
mod tests;

use alloy_eips::{
    eip4844::{AsCkzg, Blob, BlobTransactionSidecar, Bytes48, kzg_to_versioned_hash},
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
};
use alloy_primitives::B256;
use c_kzg::KzgSettings;

/// Why the library refused a blob: a wrong length, or a field element that is
/// not below the modulus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("KZG refused a blob: {0}")]
pub struct KzgError(String);

impl From<c_kzg::Error> for KzgError {
    fn from(error: c_kzg::Error) -> Self {
        Self(format!("{error:?}"))
    }
}

/// Which sidecar a transaction is sent with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SidecarForm {
    /// Version 1 with 128 cell proofs per blob, as every L1 since Osaka wants it.
    #[default]
    Eip7594,
    /// Version 0 with one proof per blob, for private L1s on older software.
    Eip4844,
}

/// The mainnet trusted setup, loaded once per process, which takes about a
/// second. Nothing is computed ahead: that would make cell proofs faster, and
/// cost a hundred megabytes and many seconds at start.
pub fn settings() -> &'static KzgSettings {
    c_kzg::ethereum_kzg_settings(0)
}

/// The blob of 131,072 bytes as a value of the library.
pub(crate) fn blob(bytes: &[u8]) -> Result<Box<Blob>, KzgError> {
    let blob =
        Blob::try_from(bytes).map_err(|_| KzgError(format!("it has {} bytes", bytes.len())))?;
    Ok(Box::new(blob))
}

/// The versioned hash of a blob's bytes: `0x01` and the last 31 bytes of the
/// commitment's SHA-256 (EIP-4844). About 50 ms of computing.
pub fn versioned_hash(bytes: &[u8]) -> Result<B256, KzgError> {
    let blob = blob(bytes)?;
    let commitment = settings().blob_to_kzg_commitment(blob.as_ckzg())?;
    Ok(kzg_to_versioned_hash(commitment.as_slice()))
}

/// Checks a blob that came with a commitment and a proof (the older interface
/// of beacon nodes) and tells its versioned hash. About 2 ms.
pub fn checked_hash(bytes: &[u8], commitment: &[u8], proof: &[u8]) -> Result<B256, KzgError> {
    let blob = blob(bytes)?;
    let bytes48 = |bytes: &[u8]| -> Result<c_kzg::Bytes48, KzgError> {
        Ok(c_kzg::Bytes48::from_bytes(bytes)?)
    };
    let holds = settings().verify_blob_kzg_proof(
        blob.as_ckzg(),
        &bytes48(commitment)?,
        &bytes48(proof)?,
    )?;
    if holds {
        Ok(kzg_to_versioned_hash(commitment))
    } else {
        Err(KzgError("its proof does not hold".into()))
    }
}

/// Commitments and proofs of some blobs, computed in parallel where a pool of
/// threads is there.
pub fn sidecar(
    form: SidecarForm,
    blobs: Vec<Blob>,
) -> Result<BlobTransactionSidecarVariant, KzgError> {
    let parts = each(&blobs, |blob| match form {
        SidecarForm::Eip7594 => {
            let commitment = settings().blob_to_kzg_commitment(blob.as_ckzg())?;
            let (_, proofs) = settings().compute_cells_and_kzg_proofs(blob.as_ckzg())?;
            let proofs = proofs.iter().map(|proof| Bytes48::new(*proof.to_bytes()));
            Ok((Bytes48::new(*commitment.to_bytes()), proofs.collect()))
        }
        SidecarForm::Eip4844 => {
            let commitment = settings()
                .blob_to_kzg_commitment(blob.as_ckzg())?
                .to_bytes();
            let proof = settings().compute_blob_kzg_proof(blob.as_ckzg(), &commitment)?;
            Ok((
                Bytes48::new(*commitment),
                vec![Bytes48::new(*proof.to_bytes())],
            ))
        }
    })?;
    let (commitments, proofs): (Vec<Bytes48>, Vec<Vec<Bytes48>>) = parts.into_iter().unzip();
    let proofs = proofs.concat();
    Ok(match form {
        SidecarForm::Eip7594 => {
            BlobTransactionSidecarEip7594::new(blobs, commitments, proofs).into()
        }
        SidecarForm::Eip4844 => BlobTransactionSidecar {
            blobs,
            commitments,
            proofs,
        }
        .into(),
    })
}

type Part = (Bytes48, Vec<Bytes48>);

#[cfg(feature = "rpc")]
fn each(
    blobs: &[Blob],
    work: impl Fn(&Blob) -> Result<Part, KzgError> + Sync + Send,
) -> Result<Vec<Part>, KzgError> {
    use rayon::prelude::*;
    blobs.par_iter().map(work).collect()
}

#[cfg(not(feature = "rpc"))]
fn each(
    blobs: &[Blob],
    work: impl Fn(&Blob) -> Result<Part, KzgError> + Sync + Send,
) -> Result<Vec<Part>, KzgError> {
    blobs.iter().map(work).collect()
}
