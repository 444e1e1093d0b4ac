//! One in-memory implementation of each layer, for tests, simulations and as
//! the smallest complete example of each trait.
//!
//! What lies in "memory" lies in a shared store: handles are clones of one
//! another, and the methods named `restart` drop exactly what a process loses
//! when it is killed.

mod da;
mod execution;
mod messaging;
mod settlement;
mod trie;

pub use da::{MemoryDa, MemoryDaConfig, MemoryDaError, Mining};
pub use execution::{
    MemoryAction, MemoryExecution, MemoryExecutionError, MemoryGenesis, MemoryMachine, MemoryStore,
    MemoryTx, Refusal,
};
pub use messaging::{MemoryMessaging, MemoryMessagingError, NoMessaging, NoMessagingError};
pub use settlement::{Sovereign, SovereignError};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic of another thread while it held the lock changes nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
