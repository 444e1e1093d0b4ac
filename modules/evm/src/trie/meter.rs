use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts the bytes of all nodes in memory, whichever version holds them.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    bytes: Arc<AtomicUsize>,
}

impl Meter {
    /// Bytes in memory now.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts `bytes` until the charge is dropped.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Charge {
            total: Arc::clone(&self.bytes),
            bytes,
        }
    }
}

#[derive(Debug)]
pub(super) struct Charge {
    total: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
