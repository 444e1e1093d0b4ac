use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicIsize, AtomicUsize, Ordering},
};

/// Counters of one meter: a thread counts in one that few others share.
const STRIPES: usize = 16;

/// Counts the bytes of all nodes in memory, whichever version holds them.
///
/// Thousands of nodes are made and dropped in a block, by several threads: each
/// counts for itself, and a node names its counters without owning them.
#[derive(Clone, Debug)]
pub struct Meter {
    lease: Arc<Lease>,
}

/// Its own cache line, and the one that is fetched along with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicIsize);

type Stripes = [Stripe; STRIPES];

/// Stripes that no meter uses. They live as long as the process, since nodes
/// may outlive their meter.
static FREE: Mutex<Vec<&'static Stripes>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Lease(&'static Stripes);

impl Drop for Lease {
    fn drop(&mut self) {
        // Nothing is charged to them any more. What is left by nodes that
        // outlive their meter, 2 KiB, is not used again.
        if total(self.0) == 0 {
            FREE.lock().push(self.0);
        }
    }
}

impl Default for Meter {
    fn default() -> Self {
        let free = FREE.lock().pop();
        let stripes = free.unwrap_or_else(|| Box::leak(Box::default()));
        Self {
            lease: Arc::new(Lease(stripes)),
        }
    }
}

impl Meter {
    /// Bytes in memory now.
    pub fn bytes(&self) -> usize {
        usize::try_from(total(self.lease.0)).unwrap_or(0)
    }

    /// Counts `bytes` until the charge is dropped.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        let stripes = self.lease.0;
        // No node has as much as a gigabyte.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        own(stripes).fetch_add(bytes as isize, Ordering::Relaxed);
        Charge { stripes, bytes }
    }
}

#[derive(Debug)]
pub(super) struct Charge {
    stripes: &'static Stripes,
    bytes: u32,
}

impl Drop for Charge {
    fn drop(&mut self) {
        own(self.stripes).fetch_sub(self.bytes as isize, Ordering::Relaxed);
    }
}

fn total(stripes: &Stripes) -> isize {
    let counts = stripes
        .iter()
        .map(|stripe| stripe.0.load(Ordering::Relaxed));
    counts.fold(0, isize::wrapping_add)
}

/// The counter of this thread.
fn own(stripes: &Stripes) -> &AtomicIsize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES;
    }
    // A thread that ends may still drop nodes.
    let stripe = STRIPE.try_with(|stripe| *stripe).unwrap_or(0);
    &stripes[stripe % STRIPES].0
}

#[cfg(test)]
mod tests;
