use super::Clock;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Virtual time that passes when told to.
///
/// Clones share one time. Sleepers wake in the order of their deadlines, and
/// among equal ones in the order in which they began to sleep.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    now_ms: u64,
    next_id: u64,
    /// Sleepers by deadline and order of arrival; the waker once polled.
    sleepers: BTreeMap<(u64, u64), Option<Waker>>,
}

impl ManualClock {
    /// A clock that shows this time, in milliseconds since the Unix epoch.
    pub fn at(now_ms: u64) -> Self {
        let clock = Self::default();
        clock.lock().now_ms = now_ms;
        clock
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass and wakes whoever is due, one deadline after the other.
    pub fn advance(&self, duration: Duration) {
        let until = self.lock().now_ms.saturating_add(millis(duration));
        while self.wake_next(until) {}
        let mut inner = self.lock();
        inner.now_ms = inner.now_ms.max(until);
    }

    /// Lets time pass up to the next deadline and wakes that sleeper. `false`
    /// where nobody sleeps.
    pub fn advance_to_next(&self) -> bool {
        self.wake_next(u64::MAX)
    }

    fn wake_next(&self, until: u64) -> bool {
        let waker = {
            let mut inner = self.lock();
            let Some(entry) = inner.sleepers.first_entry() else {
                return false;
            };
            let deadline = entry.key().0;
            if deadline > until {
                return false;
            }
            let waker = entry.remove();
            inner.now_ms = inner.now_ms.max(deadline);
            waker
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// The next deadline, in milliseconds since the Unix epoch.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let inner = self.lock();
        inner.sleepers.first_key_value().map(|(key, _)| key.0)
    }

    /// How many sleep.
    pub fn sleeping(&self) -> usize {
        self.lock().sleepers.len()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.lock().now_ms
    }

    /// Counts from the call, not from the first poll. A duration below one
    /// millisecond completes at once.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut inner = self.lock();
        let deadline = inner.now_ms.saturating_add(millis(duration));
        let id = inner.next_id;
        inner.next_id += 1;
        let key = (deadline, id);
        if deadline > inner.now_ms {
            inner.sleepers.insert(key, None);
        }
        drop(inner);
        Box::pin(Sleep {
            clock: self.clone(),
            key,
        })
    }
}

struct Sleep {
    clock: ManualClock,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.clock.lock().sleepers.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}
