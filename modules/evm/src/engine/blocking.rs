use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs work that takes long without holding up the tasks beside it.
///
/// In place, because a builder calls back into a candidate source that it only
/// borrows: on a runtime with several threads the others are moved off this
/// one first. A single-threaded runtime (a simulator's) runs it as it is.
pub(super) fn off_executor<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
