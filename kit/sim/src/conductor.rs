use crate::Draw;
use futures_util::{future::BoxFuture, task::AtomicWaker};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::time::Instant;

/// Polls at one instant of virtual time from which on tasks are held to wake
/// each other without end.
pub const MOST_POLLS: u64 = 10_000;

/// Polls the tasks of all nodes, in rounds: everything that was woken since
/// the last round, in a drawn order.
///
/// Time passes only when nobody is woken any more. Tasks that wake each other
/// without end would stop it: they are not polled any further once they
/// [`spin`](Self::spins).
///
/// In which order things wake each other does not matter, as that of tokio's
/// channels is random.
#[derive(Clone, Debug)]
pub struct Conductor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    woken: Mutex<BTreeSet<u64>>,
    arrived: Mutex<Vec<(u64, Task)>>,
    next: Mutex<u64>,
    waker: AtomicWaker,
    /// The most polls at one instant.
    most_polls: AtomicU64,
}

struct Task(BoxFuture<'static, ()>);

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Task")
    }
}

impl Conductor {
    /// Begins to conduct on the present runtime, for as long as that lasts.
    pub fn begin(draw: Draw) -> Self {
        let shared = Arc::new(Shared {
            woken: Mutex::default(),
            arrived: Mutex::default(),
            next: Mutex::default(),
            waker: AtomicWaker::new(),
            most_polls: AtomicU64::new(0),
        });
        let rounds = Rounds {
            shared: shared.clone(),
            tasks: BTreeMap::new(),
            draw,
            now: Instant::now(),
            polls: 0,
        };
        tokio::spawn(tokio::task::unconstrained(rounds));
        Self(shared)
    }

    /// The most polls that one instant of virtual time took.
    pub fn most_polls(&self) -> u64 {
        self.0.most_polls.load(Ordering::Relaxed)
    }

    /// True once tasks woke each other without end; none is polled any more.
    pub fn spins(&self) -> bool {
        self.most_polls() > MOST_POLLS
    }

    /// Runs a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let id = {
            let mut next = self.0.next.lock();
            *next += 1;
            *next
        };
        self.0.arrived.lock().push((id, Task(Box::pin(task))));
        self.0.wake(id);
    }
}

impl Shared {
    fn wake(&self, id: u64) {
        self.woken.lock().insert(id);
        self.waker.wake();
    }
}

struct Call {
    shared: Arc<Shared>,
    id: u64,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.shared.wake(self.id);
    }
}

struct Rounds {
    shared: Arc<Shared>,
    tasks: BTreeMap<u64, (Task, Waker)>,
    draw: Draw,
    now: Instant,
    polls: u64,
}

impl Rounds {
    /// Counts polls. False where there were too many without time passing.
    fn count(&mut self, polls: usize) -> bool {
        let now = Instant::now();
        if now != self.now {
            self.now = now;
            self.polls = 0;
        }
        self.polls += polls as u64;
        let before = self
            .shared
            .most_polls
            .fetch_max(self.polls, Ordering::Relaxed);
        before.max(self.polls) <= MOST_POLLS
    }
}

impl Future for Rounds {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.shared.waker.register(cx.waker());
        let arrived = std::mem::take(&mut *this.shared.arrived.lock());
        for (id, task) in arrived {
            let call = Call {
                shared: this.shared.clone(),
                id,
            };
            this.tasks.insert(id, (task, Arc::new(call).into()));
        }
        let woken = std::mem::take(&mut *this.shared.woken.lock());
        let mut order: Vec<u64> = woken.into_iter().collect();
        if !this.count(order.len()) {
            return Poll::Pending;
        }
        for at in (1..order.len()).rev() {
            let other = this.draw.index(at + 1);
            order.swap(at, other);
        }
        for id in order {
            let Some((task, waker)) = this.tasks.get_mut(&id) else {
                continue;
            };
            let waker = waker.clone();
            let polled = task.0.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_ready() {
                this.tasks.remove(&id);
            }
        }
        Poll::Pending
    }
}

/// Lets everything else that is woken go first, once.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
