use crate::{
    Account, Anchor, BlockInput, Changes, EngineLog, ForcedOutcome, Header, InvalidBlock, VmId,
};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256};
use core::fmt;

/// The pure rules of an execution engine: what is proved.
///
/// No I/O, clock, randomness, floating point or threads. The node, a fault
/// proof, a prover's guest and a settlement chain all call this one function.
pub trait StateMachine {
    /// Name and rule version; stands in every claim.
    const VM_ID: VmId;

    /// Chain configuration as far as execution needs it; keccak256 of its
    /// borsh encoding is the claim's `config_hash`.
    type Config: borsh::BorshSerialize;

    /// Executes one block on `parent`'s state and commits its changes to
    /// `state`.
    ///
    /// Deterministic in its arguments. `Err(Invalid)` is a verdict about the
    /// input; `Err(State)` is a failure to read or write state (a missing
    /// witness node among them) and says nothing about the block.
    fn apply<S: StateAccess>(
        config: &Self::Config,
        parent: &Header,
        state: &mut S,
        input: &BlockInput,
    ) -> Result<Applied, ApplyError<S::Error>>;
}

/// How a state machine reads the parent's state and writes its changes: the
/// full store, a recorder around one, or a witness.
pub trait StateAccess {
    /// A failure to read or write; never a verdict about a block.
    type Error: fmt::Debug + fmt::Display;

    /// The account in the parent's state; `None` if it does not exist.
    fn account(&mut self, address: Address) -> Result<Option<Account>, Self::Error>;

    /// A storage slot in the parent's state; zero if it was never written.
    fn slot(&mut self, address: Address, key: B256) -> Result<U256, Self::Error>;

    /// Code by its keccak256.
    fn code(&mut self, hash: B256) -> Result<Bytes, Self::Error>;

    /// Hash of an ancestor among the last 256; zero outside of that range.
    fn block_hash(&mut self, number: u64) -> Result<B256, Self::Error>;

    /// Applies all changes of the block at once; returns the new state root.
    /// Called once per block, after the last read.
    fn commit(&mut self, changes: Changes) -> Result<B256, Self::Error>;
}

/// What one block did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The sealed header.
    pub header: Header,
    /// What became of each due forced entry, in the order of the input.
    pub forced: Vec<ForcedOutcome>,
    /// EIP-2718 transactions of the block, forced ones first.
    pub transactions: Vec<Bytes>,
    /// EIP-2718 receipts, in the same order.
    pub receipts: Vec<Bytes>,
    /// Storage root of the message passer; the empty root without one.
    pub outbox_root: B256,
    /// Mailbox events in execution order.
    pub mailbox_events: Vec<EngineLog>,
    /// The anchor whose hash the header holds.
    pub anchor: Anchor,
    /// Work metered, in the engine's unit (gas).
    pub work: u64,
}

/// Why a block was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyError<E> {
    /// The input can never be valid on this parent.
    Invalid(InvalidBlock),
    /// The state could not be read or written.
    State(E),
}

impl<E: fmt::Display> fmt::Display for ApplyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => match invalid.transaction {
                Some(index) => write!(f, "invalid block: transaction {index}: {}", invalid.reason),
                None => write!(f, "invalid block: {}", invalid.reason),
            },
            Self::State(error) => write!(f, "state access failed: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ApplyError<E> {}
