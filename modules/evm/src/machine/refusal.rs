use super::TxError;
use alloc::string::{String, ToString};
use alloy_consensus::Header;
use alloy_primitives::U256;
use revm::context_interface::result::InvalidTransaction;

/// Why a transaction can't execute at its place.
///
/// Texts follow geth's wording, because clients match on it. The codes are
/// what [`ForcedOutcome::Skipped`](rollwright_core::ForcedOutcome::Skipped)
/// carries; they are never reused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no transaction of this chain.
    #[error("{0}")]
    Transaction(TxError),
    /// Legacy without chain id, in the forced lane.
    #[error("only replay-protected (EIP-155) transactions are allowed in the forced lane")]
    Unprotected,
    /// Signed for another chain.
    #[error("invalid chain id for signer: the transaction names another chain than {expected}")]
    ChainId {
        /// This chain's id.
        expected: u64,
    },
    /// The nonce was used.
    #[error("nonce too low: next nonce {state}, tx nonce {tx}")]
    NonceTooLow {
        /// Nonce of the transaction.
        tx: u64,
        /// Next nonce of the account.
        state: u64,
    },
    /// An earlier nonce is missing.
    #[error("nonce too high: next nonce {state}, tx nonce {tx}")]
    NonceTooHigh {
        /// Nonce of the transaction.
        tx: u64,
        /// Next nonce of the account.
        state: u64,
    },
    /// EIP-2681.
    #[error("nonce has max value")]
    NonceMax,
    /// The fee cap lies below the block's base fee.
    #[error("max fee per gas less than block base fee: {base_fee}")]
    FeeCapTooLow {
        /// Base fee of the block, in wei per gas.
        base_fee: u64,
    },
    /// EIP-1559: the tip is above the fee cap.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap,
    /// The account can't pay for gas and value.
    #[error("insufficient funds for gas * price + value: have {have} want {want}")]
    InsufficientFunds {
        /// Balance in wei.
        have: U256,
        /// Most that the transaction may cost, in wei.
        want: U256,
    },
    /// Gas times price does not fit in 256 bits.
    #[error("gas * price + value overflows 256 bits")]
    CostOverflow,
    /// Below the cost of the transaction itself.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Gas limit.
        have: u64,
        /// Least that is needed.
        want: u64,
    },
    /// EIP-7623: below the floor for its calldata.
    #[error("insufficient gas for floor data gas cost: have {have}, want {want}")]
    FloorGas {
        /// Gas limit.
        have: u64,
        /// Least that is needed.
        want: u64,
    },
    /// EIP-7825.
    #[error("transaction gas limit too high (cap: {cap}, tx: {have})")]
    GasAboveCap {
        /// Gas limit.
        have: u64,
        /// Largest that is allowed.
        cap: u64,
    },
    /// Above the gas limit of a whole block.
    #[error("exceeds block gas limit: have {have}, block gas limit {limit}")]
    GasAboveBlock {
        /// Gas limit of the transaction.
        have: u64,
        /// Gas limit of the block.
        limit: u64,
    },
    /// Above what is left in the block.
    #[error("gas limit reached: have {have}, left in the block {left}")]
    NoGasLeft {
        /// Gas limit of the transaction.
        have: u64,
        /// Gas left.
        left: u64,
    },
    /// The block would be too large (EIP-7934, or the forced lane's bytes).
    #[error("transaction of {have} bytes does not fit into a block: {limit} bytes are allowed")]
    TooLarge {
        /// Bytes of the transaction.
        have: u64,
        /// Bytes that were left or are ever allowed.
        limit: u64,
    },
    /// EIP-3607.
    #[error("sender not an eoa: the account has code")]
    SenderHasCode,
    /// EIP-3860.
    #[error("max initcode size exceeded")]
    InitCodeTooLarge,
    /// The type is of a later fork.
    #[error("transaction type not supported by the rules of this block")]
    TypeNotActive,
    /// EIP-7702.
    #[error("EIP-7702 transaction with empty auth list")]
    EmptyAuthorizations,
    /// Another rule of revm.
    #[error("{0}")]
    Other(String),
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Transaction(TxError::Malformed) => 1,
            Self::Transaction(TxError::NotCanonical) => 2,
            Self::Transaction(TxError::Blob) => 3,
            Self::Transaction(TxError::Signature) => 4,
            Self::Unprotected => 5,
            Self::ChainId { .. } => 6,
            Self::NonceTooLow { .. } => 7,
            Self::NonceTooHigh { .. } => 8,
            Self::NonceMax => 9,
            Self::FeeCapTooLow { .. } => 10,
            Self::TipAboveFeeCap => 11,
            Self::InsufficientFunds { .. } => 12,
            Self::CostOverflow => 13,
            Self::IntrinsicGas { .. } => 14,
            Self::FloorGas { .. } => 15,
            Self::GasAboveCap { .. } => 16,
            Self::GasAboveBlock { .. } => 17,
            Self::NoGasLeft { .. } => 18,
            Self::TooLarge { .. } => 19,
            Self::SenderHasCode => 20,
            Self::InitCodeTooLarge => 21,
            Self::TypeNotActive => 22,
            Self::EmptyAuthorizations => 23,
            Self::Other(_) => 24,
        }
    }

    /// The name of a code, for people; `None` for one that is not in use.
    pub const fn name(code: u16) -> Option<&'static str> {
        Some(match code {
            1 => "malformed",
            2 => "not canonical",
            3 => "blob transaction",
            4 => "invalid signature",
            5 => "no chain id",
            6 => "wrong chain id",
            7 => "nonce too low",
            8 => "nonce too high",
            9 => "nonce at maximum",
            10 => "fee cap below base fee",
            11 => "tip above fee cap",
            12 => "insufficient funds",
            13 => "cost overflow",
            14 => "intrinsic gas too low",
            15 => "below calldata floor",
            16 => "above gas cap",
            17 => "above block gas limit",
            18 => "no gas left in block",
            19 => "too large",
            20 => "sender has code",
            21 => "init code too large",
            22 => "type not active",
            23 => "empty authorisation list",
            24 => "refused",
            _ => return None,
        })
    }

    /// True where the same transaction may be valid in a later block although
    /// nothing about its sender's funds changes: a pool keeps it.
    pub const fn may_pass_later(&self) -> bool {
        matches!(
            self,
            Self::NonceTooHigh { .. }
                | Self::FeeCapTooLow { .. }
                | Self::NoGasLeft { .. }
                | Self::TooLarge { .. }
        )
    }

    pub(crate) fn from_revm(error: InvalidTransaction, facts: &Facts) -> Self {
        use InvalidTransaction as I;
        match error {
            I::PriorityFeeGreaterThanMaxFee => Self::TipAboveFeeCap,
            I::GasPriceLessThanBasefee => Self::FeeCapTooLow {
                base_fee: facts.base_fee,
            },
            I::CallerGasLimitMoreThanBlock => Self::GasAboveBlock {
                have: facts.gas_limit,
                limit: facts.block_gas_limit,
            },
            I::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            } => Self::IntrinsicGas {
                have: gas_limit,
                want: initial_gas,
            },
            I::GasFloorMoreThanGasLimit {
                gas_floor,
                gas_limit,
            } => Self::FloorGas {
                have: gas_limit,
                want: gas_floor,
            },
            I::RejectCallerWithCode => Self::SenderHasCode,
            I::LackOfFundForMaxFee { fee, balance } => Self::InsufficientFunds {
                have: *balance,
                want: *fee,
            },
            I::OverflowPaymentInTransaction => Self::CostOverflow,
            I::NonceOverflowInTransaction => Self::NonceMax,
            I::NonceTooHigh { tx, state } => Self::NonceTooHigh { tx, state },
            I::NonceTooLow { tx, state } => Self::NonceTooLow { tx, state },
            I::CreateInitCodeSizeLimit => Self::InitCodeTooLarge,
            I::InvalidChainId | I::MissingChainId => Self::ChainId {
                expected: facts.chain_id,
            },
            I::TxGasLimitGreaterThanCap { gas_limit, cap } => Self::GasAboveCap {
                have: gas_limit,
                cap,
            },
            I::EmptyAuthorizationList => Self::EmptyAuthorizations,
            I::Eip2930NotSupported
            | I::Eip1559NotSupported
            | I::Eip4844NotSupported
            | I::Eip7702NotSupported
            | I::AccessListNotSupported
            | I::AuthorizationListNotSupported => Self::TypeNotActive,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<TxError> for Refusal {
    fn from(error: TxError) -> Self {
        Self::Transaction(error)
    }
}

/// What revm's errors do not say themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) chain_id: u64,
    pub(crate) base_fee: u64,
    pub(crate) gas_limit: u64,
    pub(crate) block_gas_limit: u64,
}

impl Facts {
    /// Those of a block; the gas limit is the transaction's and still to be
    /// filled in.
    pub(crate) fn of(chain_id: u64, header: &Header) -> Self {
        Self {
            chain_id,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            gas_limit: 0,
            block_gas_limit: header.gas_limit,
        }
    }
}
