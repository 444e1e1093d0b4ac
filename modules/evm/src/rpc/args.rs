//! Positional parameters, with geth's words for what is wrong with them.

use super::error::{Answer, EthError};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U256};
use jsonrpsee::types::{Params, params::ParamsSequence};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};
use std::{fmt, marker::PhantomData};

/// Reads parameters from first to last.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    rest: ParamsSequence<'a>,
    read: usize,
}

impl<'a> Args<'a> {
    pub(crate) fn new(params: &'a Params<'_>) -> Self {
        Self {
            rest: params.sequence(),
            read: 0,
        }
    }

    /// The next parameter; its absence is an error.
    pub(crate) fn required<T: Deserialize<'a>>(&mut self) -> Answer<T> {
        let index = self.read;
        self.optional()?
            .ok_or_else(|| EthError::params(format!("missing value for required argument {index}")))
    }

    /// The next parameter; `None` where it is absent or null.
    pub(crate) fn optional<T: Deserialize<'a>>(&mut self) -> Answer<Option<T>> {
        let index = self.read;
        self.read += 1;
        self.rest.optional_next::<T>().map_err(|error| {
            let said = error.data().map_or(error.message(), |data| data.get());
            EthError::params(format!("invalid argument {index}: {}", plain(said)))
        })
    }

    /// The block parameter; latest where it is absent.
    pub(crate) fn block(&mut self) -> Answer<BlockId> {
        Ok(self.optional()?.unwrap_or_default())
    }

    /// Refuses what nobody reads.
    pub(crate) fn end(mut self) -> Answer<()> {
        match self.rest.optional_next::<IgnoredAny>() {
            Ok(None) => Ok(()),
            _ => Err(EthError::params(format!(
                "too many arguments, want at most {}",
                self.read
            ))),
        }
    }
}

/// What a parser says, out of its JSON string and without its position, which
/// counts from the parameter's start and means nothing to the caller.
fn plain(said: &str) -> String {
    let text = serde_json::from_str(said).unwrap_or_else(|_| said.to_owned());
    let words = match text.rsplit_once(" at line ") {
        Some((words, place)) if place.contains(" column ") => words,
        _ => &text,
    };
    words.chars().take(256).collect()
}

/// A quantity as hex, as a decimal string, or as a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Count, E> {
                let parsed = match text.strip_prefix("0x") {
                    Some(hex) => u64::from_str_radix(hex, 16),
                    None => text.parse(),
                };
                parsed
                    .map(Count)
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A block by number or tag, the number as Ethereum's quantity or as a JSON
/// number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockNumber(pub(crate) BlockNumberOrTag);

impl<'de> Deserialize<'de> for BlockNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = BlockNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a block number or tag")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<BlockNumber, E> {
                Ok(BlockNumber(number.into()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<BlockNumber, E> {
                text.parse().map(BlockNumber).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// An object: what derives a reader of its fields reads lists of their values,
/// too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Fields<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Fields<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Fields)
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

/// A storage slot: up to 32 bytes of hex, leading zeros optional. Answers
/// repeat a full word as such and everything else as a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) key: B256,
    pub(crate) as_word: bool,
}

impl Slot {
    /// Reads a slot; what is wrong is said in geth's words.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("unable to decode storage key: hex string invalid");
        }
        if digits.len() > 64 {
            return Err("unable to decode storage key: hex string too long, want at most 32 bytes");
        }
        let number = U256::from_str_radix(digits, 16)
            .map_err(|_| "unable to decode storage key: hex string invalid")?;
        Ok(Self {
            key: B256::from(number),
            as_word: digits.len() == 64,
        })
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Slot;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a storage key: hex of at most 32 bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Slot, E> {
                Slot::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}
