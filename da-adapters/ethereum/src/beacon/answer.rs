//! What beacon nodes answer. Pure.

use super::{SourceError, SourcedBlob};
use crate::codec::BLOB_BYTES;
use alloy_primitives::Bytes;
use serde::{Deserialize, de::DeserializeOwned};

use crate::rpc::shortened;

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

/// `/eth/v1/beacon/genesis`
#[derive(Deserialize)]
pub(super) struct Genesis {
    data: GenesisData,
}

#[derive(Deserialize)]
struct GenesisData {
    genesis_time: String,
}

impl Genesis {
    pub(super) fn time(&self) -> Result<u64, SourceError> {
        let time = self.data.genesis_time.parse();
        time.map_err(|_| SourceError::Malformed("a genesis time that is no number".into()))
    }
}

/// `/eth/v1/config/spec`, as far as it is needed. Both names are in use.
#[derive(Deserialize)]
pub(super) struct Spec {
    data: SpecData,
}

#[derive(Deserialize)]
struct SpecData {
    #[serde(rename = "SLOT_DURATION_MS")]
    millis: Option<String>,
    #[serde(rename = "SECONDS_PER_SLOT")]
    seconds: Option<String>,
}

impl Spec {
    pub(super) fn slot_millis(&self) -> Option<u64> {
        let millis = self.data.millis.as_ref().and_then(|text| text.parse().ok());
        let seconds = || self.data.seconds.as_ref()?.parse::<u64>().ok();
        millis.or_else(|| seconds()?.checked_mul(1_000))
    }
}

/// `/eth/v1/beacon/headers/head`, as far as it is needed.
#[derive(Deserialize)]
pub(super) struct HeadSlot {
    data: HeadData,
}

#[derive(Deserialize)]
struct HeadData {
    header: SignedHeader,
}

#[derive(Deserialize)]
struct SignedHeader {
    message: HeaderMessage,
}

#[derive(Deserialize)]
struct HeaderMessage {
    slot: String,
}

impl HeadSlot {
    pub(super) fn slot(&self) -> Option<u64> {
        self.data.header.message.slot.parse().ok()
    }
}

#[derive(Deserialize)]
struct Sidecar {
    blob: Bytes,
    kzg_commitment: Bytes,
    kzg_proof: Bytes,
}

pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, SourceError> {
    serde_json::from_slice(body).map_err(|error| {
        let begin = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        SourceError::Malformed(shortened(&format!("{error}; it begins with `{begin}`")))
    })
}

/// Blobs alone: SSZ is one after another, JSON a list.
pub(super) fn blobs(body: Vec<u8>, most: usize) -> Result<Vec<SourcedBlob>, SourceError> {
    let is_json = body.first() == Some(&b'{') && !body.len().is_multiple_of(BLOB_BYTES);
    let blobs: Vec<Bytes> = if is_json {
        json::<Data<Vec<Bytes>>>(&body)?.data
    } else if body.len().is_multiple_of(BLOB_BYTES) {
        let body = Bytes::from(body);
        let count = body.len() / BLOB_BYTES;
        (0..count)
            .map(|index| body.slice(index * BLOB_BYTES..(index + 1) * BLOB_BYTES))
            .collect()
    } else {
        // Says what it is instead.
        return Err(json::<Data<Vec<Bytes>>>(&body)
            .err()
            .unwrap_or_else(|| SourceError::Malformed("half a blob".into())));
    };
    let unchecked = |bytes| SourcedBlob { bytes, proof: None };
    bounded(blobs.into_iter().map(unchecked).collect(), most)
}

/// Blobs with commitment and proof.
pub(super) fn sidecars(body: &[u8], most: usize) -> Result<Vec<SourcedBlob>, SourceError> {
    let sidecars: Data<Vec<Sidecar>> = json(body)?;
    let sourced = |sidecar: Sidecar| SourcedBlob {
        bytes: sidecar.blob,
        proof: Some((sidecar.kzg_commitment, sidecar.kzg_proof)),
    };
    bounded(sidecars.data.into_iter().map(sourced).collect(), most)
}

fn bounded(blobs: Vec<SourcedBlob>, most: usize) -> Result<Vec<SourcedBlob>, SourceError> {
    let wrong = blobs.iter().find(|blob| blob.bytes.len() != BLOB_BYTES);
    match wrong {
        Some(blob) => Err(SourceError::Malformed(format!(
            "a blob of {} bytes",
            blob.bytes.len()
        ))),
        None if blobs.len() > most => Err(SourceError::Malformed(format!("{} blobs", blobs.len()))),
        None => Ok(blobs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &[u8]) -> Result<usize, String> {
        blobs(body.to_vec(), 4)
            .map(|blobs| blobs.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn both_encodings_are_read() {
        let hex = "00".repeat(BLOB_BYTES);
        assert_eq!(count(&vec![0; 2 * BLOB_BYTES]), Ok(2));
        assert_eq!(
            count(format!("{{\"data\":[\"0x{hex}\"]}}").as_bytes()),
            Ok(1)
        );
        assert_eq!(count(b"{\"data\":[]}"), Ok(0));
        assert_eq!(count(b""), Ok(0));
    }

    #[test]
    fn anything_else_is_told_from_blobs() {
        assert!(
            count(b"<html>502 Bad Gateway</html>")
                .unwrap_err()
                .contains("<html>")
        );
        assert!(count(&vec![0; BLOB_BYTES + 1]).is_err());
        assert!(count(&vec![0; BLOB_BYTES / 2]).is_err());
        assert!(
            count(b"{\"data\":[\"0x00\"]}")
                .unwrap_err()
                .contains("of 1 bytes")
        );
        assert!(count(&vec![0; 5 * BLOB_BYTES]).is_err());
        assert!(sidecars(b"{\"data\":{}}", 4).is_err());
    }

    #[test]
    fn a_slots_length_has_two_names() {
        let spec = |text: &str| json::<Spec>(text.as_bytes()).unwrap().slot_millis();
        assert_eq!(spec(r#"{"data":{"SECONDS_PER_SLOT":"12"}}"#), Some(12_000));
        assert_eq!(
            spec(r#"{"data":{"SECONDS_PER_SLOT":"12","SLOT_DURATION_MS":"6000"}}"#),
            Some(6_000)
        );
        assert_eq!(spec(r#"{"data":{}}"#), None);
    }
}
