//! What is asked of a consensus node.

use super::policy::TxStatus;
use crate::{CelestiaError, GasPrice};
use celestia_types::state::AccAddress;
use std::{fmt::Debug, future::Future, pin::Pin};

pub(crate) type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An account in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountState {
    pub(crate) number: u64,
    /// The sequence that the next transaction in a block has.
    pub(crate) sequence: u64,
}

/// Why a broadcast was not answered with acceptance.
#[derive(Clone, Debug)]
pub(crate) enum NotTaken {
    /// Refused before the mempool.
    Refused(CelestiaError),
    /// No answer, or one that does not say: it may be in the mempool.
    Open(CelestiaError),
}

/// A consensus node, or a fake of one.
pub(crate) trait Consensus: Debug + Send + Sync {
    /// An account as of the newest block; [`CelestiaError::OutOfFunds`] for one
    /// that never received anything.
    fn account<'a>(
        &'a self,
        address: &'a AccAddress,
    ) -> Call<'a, Result<AccountState, CelestiaError>>;

    /// Hands over a transaction with its blobs. Dropped midway it may have
    /// been taken.
    fn broadcast(&self, tx: Vec<u8>) -> Call<'_, Result<(), NotTaken>>;

    /// How far a transaction is.
    fn status(&self, hash: [u8; 32]) -> Call<'_, Result<TxStatus, CelestiaError>>;

    /// The price that gets a transaction into one of the next blocks.
    fn estimate(&self) -> Call<'_, Result<GasPrice, CelestiaError>>;

    /// What an account has, in utia.
    fn balance<'a>(&'a self, address: &'a AccAddress) -> Call<'a, Result<u64, CelestiaError>>;
}
