use crate::machine::Refusal;
use alloc::string::{String, ToString};
use core::fmt::{Debug, Display};

/// Why a block is not valid. Deterministic: a verdict about the block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The bytes are no block.
    #[error("the bytes are no block: {reason}")]
    Malformed {
        /// What the decoder met.
        reason: String,
    },
    /// A field of the header is wrong.
    #[error("block {number}: {field} is {found}, expected {expected}")]
    Field {
        /// Number in the block's header.
        number: u64,
        /// Name of the field, as JSON-RPC spells it.
        field: &'static str,
        /// What the block says.
        found: String,
        /// What it must say: a value, or a bound in words.
        expected: String,
    },
    /// A transaction can't execute at its place.
    #[error("block {number}: transaction {index}: {refusal}")]
    Transaction {
        /// Number of the block.
        number: u64,
        /// Index in the block.
        index: usize,
        /// Why.
        refusal: Refusal,
    },
    /// An ommer can't stand in this block.
    #[error("block {number}: ommer {index}: {reason}")]
    Ommer {
        /// Number of the block.
        number: u64,
        /// Index in the list.
        index: usize,
        /// Why.
        reason: String,
    },
    /// A system contract is missing or failed, or a deposit's log is no
    /// deposit: such a block is invalid whatever its header says.
    #[error("block {number}: {reason}")]
    System {
        /// Number of the block.
        number: u64,
        /// What failed.
        reason: String,
    },
}

impl Violation {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed {
            reason: reason.into(),
        }
    }

    pub(super) fn field(
        number: u64,
        field: &'static str,
        found: impl Display,
        expected: impl Display,
    ) -> Self {
        Self::Field {
            number,
            field,
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    /// `found` must be `expected`.
    pub(super) fn equal<T: PartialEq + Debug>(
        number: u64,
        field: &'static str,
        found: &T,
        expected: &T,
    ) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::field(
            number,
            field,
            format_args!("{found:?}"),
            format_args!("{expected:?}"),
        ))
    }
}

/// Why a block was not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError<E: Debug + Display> {
    /// The block is invalid.
    #[error("{0}")]
    Invalid(Violation),
    /// The state access failed; no verdict.
    #[error("the state access failed: {0}")]
    State(E),
}

impl<E: Debug + Display> From<Violation> for BlockError<E> {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation)
    }
}
