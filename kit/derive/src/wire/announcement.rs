use super::{WireError, reader::Reader};
use alloc::string::String;
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::DaOrdinal;

/// Most bytes of a layer's name in an announcement.
pub const ANNOUNCED_LAYER_BYTES: usize = 32;

/// What a sequencer says of the next amendment that it holds. Advisory: no rule
/// of derivation reads it. A node that lacks the amendment learns of it while
/// there is still time.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Announcement {
    /// First ordinal at which it holds.
    pub activation: DaOrdinal,
    /// Digest of the configuration from there on.
    pub digest: B256,
    /// Which change, as amendments are encoded (PROTOCOL §1).
    pub change: u8,
    /// For the next DA epoch the name of its layer, at most
    /// [`ANNOUNCED_LAYER_BYTES`]; empty for every other change.
    pub layer: String,
}

impl Announcement {
    /// Most bytes of the encoding, the option's tag included.
    pub(super) const MOST_BYTES: usize = 1 + 8 + 32 + 1 + 4 + ANNOUNCED_LAYER_BYTES;

    /// Reads an optional one.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, WireError> {
        match reader.u8()? {
            0 => return Ok(None),
            1 => {}
            _ => return Err(WireError::Field("announced")),
        }
        let activation = DaOrdinal(reader.u64()?);
        let digest = reader.b256()?;
        let change = reader.u8()?;
        let length = reader.u32()? as usize;
        if length > ANNOUNCED_LAYER_BYTES {
            return Err(WireError::Field("announced"));
        }
        let layer = core::str::from_utf8(reader.take(length)?)
            .map_err(|_| WireError::Field("announced"))?;
        Ok(Some(Self {
            activation,
            digest,
            change,
            layer: layer.into(),
        }))
    }
}
