use crate::Error;
use alloy_primitives::{B128, B256, hex, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest name of a namespace, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Where a rollup's blobs lie among those of other rollups on one layer.
///
/// 32 bytes. Spelled either as `0x` and 64 hexadecimal digits, or as a name of
/// 1 to 64 characters from `a-z 0-9 . _ -`, which stands for
/// `keccak256("rollwright-da-local/namespace/1:" ‖ name)`. One namespace
/// carries every lane of its rollup.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(pub B256);

impl Namespace {
    /// The namespace of a name, or of a hexadecimal id; see the type's docs.
    pub fn new(spelling: &str) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Config {
            key: "namespace",
            reason,
        };
        if let Some(digits) = spelling.strip_prefix("0x") {
            return digits.parse().map(Self).map_err(|_| {
                unusable(format!(
                    "`{spelling}` begins with 0x but is not followed by 64 hexadecimal digits"
                ))
            });
        }
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c);
        if spelling.is_empty() || spelling.len() > MAX_NAME_BYTES || !spelling.bytes().all(allowed)
        {
            return Err(unusable(format!(
                "`{}` is neither a name of 1 to {MAX_NAME_BYTES} characters from a-z 0-9 . _ - \
                 nor 0x and 64 hexadecimal digits",
                spelling.chars().take(80).collect::<String>()
            )));
        }
        Ok(Self(keccak256(format!(
            "rollwright-da-local/namespace/1:{spelling}"
        ))))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({self})")
    }
}

impl FromStr for Namespace {
    type Err = Error;

    fn from_str(spelling: &str) -> Result<Self, Error> {
        Self::new(spelling)
    }
}

impl TryFrom<String> for Namespace {
    type Error = Error;

    fn try_from(spelling: String) -> Result<Self, Error> {
        Self::new(&spelling)
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.to_string()
    }
}

/// Tells one local network from every other: 16 random bytes that are drawn
/// when a file is created, and part of each of its block hashes.
///
/// Spelled as 32 lower-case hexadecimal digits.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkId(pub B128);

impl NetworkId {
    /// A new id from the operating system's randomness.
    pub fn random() -> Self {
        Self(B128::random())
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkId({self})")
    }
}

impl FromStr for NetworkId {
    type Err = Error;

    fn from_str(spelling: &str) -> Result<Self, Error> {
        let id = (spelling.len() == 32)
            .then(|| spelling.parse().ok())
            .flatten();
        id.map(Self).ok_or_else(|| Error::Config {
            key: "network",
            reason: format!(
                "`{}` is not a network id of the local layer: 32 hexadecimal digits",
                spelling.chars().take(80).collect::<String>()
            ),
        })
    }
}

impl TryFrom<String> for NetworkId {
    type Error = Error;

    fn try_from(spelling: String) -> Result<Self, Error> {
        spelling.parse()
    }
}

impl From<NetworkId> for String {
    fn from(network: NetworkId) -> Self {
        network.to_string()
    }
}
