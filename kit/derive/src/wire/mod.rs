//! What is posted to a DA layer. Every blob of ours begins with
//! [`MAGIC`], [`WIRE_VERSION`], a kind and the rollup id; the rest is borsh.

mod announcement;
mod blob;
mod envelope;
mod forced;
mod part;
mod reader;
#[cfg(test)]
mod tests;

pub use announcement::{ANNOUNCED_LAYER_BYTES, Announcement};
pub use blob::{BLOB_HEADER_BYTES, BlobKind, MAGIC, WIRE_VERSION, WireBlob, parse_blob};
pub use envelope::{ENVELOPE_OVERHEAD_BYTES, ENVELOPE_VERSION, Envelope};
pub use forced::ForcedBlob;
pub use part::{
    PART_OVERHEAD, PART_WIRE_OVERHEAD_BYTES, Part, PartClaim, PartSignature, SignatureError,
};
#[cfg(feature = "std")]
pub(crate) use reader::Reader;
pub use reader::WireError;
