//! Numbers of `genesis.json`: geth writes some as JSON numbers, some as
//! decimal strings and some as 0x strings. All are read; JSON numbers (or, in
//! header fields, 0x strings) are written.

use alloc::{format, string::String};
use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Number(serde_json::Number),
    Text(String),
}

impl Raw {
    fn value<E: Error>(&self) -> Result<U256, E> {
        let text = match self {
            Self::Number(number) => &format!("{number}"),
            Self::Text(text) => text,
        };
        let parsed = match text.strip_prefix("0x") {
            Some(hex) => U256::from_str_radix(hex, 16),
            None => U256::from_str_radix(text, 10),
        };
        match parsed {
            Ok(value) if !text.is_empty() && text != "0x" => Ok(value),
            _ => Err(E::custom(format!(
                "`{text}` is not a whole number (decimal, or hexadecimal with 0x)"
            ))),
        }
    }

    fn small<E: Error>(&self) -> Result<u64, E> {
        let value = self.value::<E>()?;
        u64::try_from(value).map_err(|_| E::custom(format!("{value} does not fit in 64 bits")))
    }
}

/// A required 64-bit number.
pub(super) mod plain {
    use super::*;

    pub(in crate::genesis) fn serialize<S: Serializer>(v: &u64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(*v)
    }

    pub(in crate::genesis) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<u64, D::Error> {
        Raw::deserialize(d)?.small()
    }
}

/// An optional 64-bit number; absent and `null` are `None`.
pub(super) mod optional {
    use super::*;

    pub(in crate::genesis) fn serialize<S: Serializer>(
        v: &Option<u64>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        v.serialize(s)
    }

    pub(in crate::genesis) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<u64>, D::Error> {
        Option::<Raw>::deserialize(d)?
            .map(|raw| raw.small())
            .transpose()
    }
}

/// An optional 256-bit number, written as a JSON number where it fits.
pub(super) mod wide {
    use super::*;

    pub(in crate::genesis) fn serialize<S: Serializer>(
        v: &Option<U256>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match v {
            Some(value) => match u64::try_from(*value) {
                Ok(small) => s.serialize_u64(small),
                Err(_) => s.serialize_str(&format!("{value}")),
            },
            None => s.serialize_none(),
        }
    }

    pub(in crate::genesis) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<U256>, D::Error> {
        Option::<Raw>::deserialize(d)?
            .map(|raw| raw.value())
            .transpose()
    }
}

/// A required 64-bit header field, written in 0x form.
pub(super) mod quantity {
    use super::*;

    pub(in crate::genesis) fn serialize<S: Serializer>(v: &u64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&format!("{v:#x}"))
    }

    pub(in crate::genesis) use super::plain::deserialize;
}

/// An optional 64-bit header field, written in 0x form.
pub(super) mod optional_quantity {
    use super::*;

    pub(in crate::genesis) fn serialize<S: Serializer>(
        v: &Option<u64>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        v.map(|value| format!("{value:#x}")).serialize(s)
    }

    pub(in crate::genesis) use super::optional::deserialize;
}
