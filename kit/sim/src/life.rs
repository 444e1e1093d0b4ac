use crate::{Conductor, Draw, Trace, conductor::yield_once};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rollwright_node::Spawner;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Where a process dies, counted from when that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Before the n-th step: a poll of one of its tasks, or a call of a layer.
    Step(u64),
    /// In the n-th write of its store, which does not take effect.
    BeforeWrite(u64),
    /// In the n-th write of its store, which takes effect; nobody hears of it.
    AfterWrite(u64),
}

/// One process of a node, from start to death. Clones share it.
///
/// Whatever runs under a life ends with it at once: tasks are not polled
/// again, writes have no effect, calls of layers do not return.
#[derive(Clone, Debug)]
pub struct Life(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    dead: AtomicBool,
    died: CancellationToken,
    fate: Mutex<Fate>,
    trace: Trace,
}

#[derive(Debug)]
struct Fate {
    death: Option<Death>,
    draw: Draw,
    /// How often, in a thousand polls, a task is put behind the others.
    detours: u32,
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// It takes effect.
    pub happens: bool,
    /// The writer hears of it.
    pub heard: bool,
}

impl Life {
    /// A process begins.
    pub fn new(name: impl Into<String>, trace: Trace, draw: Draw, detours: u32) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            dead: AtomicBool::new(false),
            died: CancellationToken::new(),
            fate: Mutex::new(Fate {
                death: None,
                draw,
                detours,
            }),
            trace,
        }))
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Decides where the process will die.
    pub fn doom(&self, death: Death) {
        self.0.fate.lock().death = Some(death);
    }

    /// True once the process is dead.
    pub fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Relaxed)
    }

    /// The process dies now.
    pub fn kill(&self) {
        if !self.0.dead.swap(true, Ordering::Relaxed) {
            self.0.trace.say(self.name(), &"dies");
            self.0.died.cancel();
        }
    }

    /// Counts a step. False where the process is dead, or dies before it.
    fn step(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        let mut fate = self.0.fate.lock();
        if let Some(Death::Step(left)) = &mut fate.death {
            *left = left.saturating_sub(1);
            if *left == 0 {
                drop(fate);
                self.0.trace.count("death at a step");
                self.kill();
                return false;
            }
        }
        true
    }

    fn detour(&self) -> bool {
        let mut fate = self.0.fate.lock();
        let chance = fate.detours;
        chance > 0 && fate.draw.permille(chance)
    }

    /// A number below `bound`, of this process's own.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.fate.lock().draw.below(bound)
    }

    /// A place at which the process may die or others may go first. Never
    /// returns in a dead process.
    pub async fn seam(&self) {
        if !self.step() {
            std::future::pending::<()>().await;
        }
        if self.detour() {
            yield_once().await;
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a write of the store, and says what becomes of it.
    pub fn write(&self) -> Written {
        let nothing = Written {
            happens: false,
            heard: false,
        };
        if self.is_dead() {
            return nothing;
        }
        let mut fate = self.0.fate.lock();
        let (left, happens) = match &mut fate.death {
            Some(Death::BeforeWrite(left)) => (left, false),
            Some(Death::AfterWrite(left)) => (left, true),
            _ => {
                return Written {
                    happens: true,
                    heard: true,
                };
            }
        };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Written {
                happens: true,
                heard: true,
            };
        }
        drop(fate);
        self.0.trace.count(match happens {
            true => "death after a write",
            false => "death before a write",
        });
        self.kill();
        Written {
            happens,
            heard: false,
        }
    }

    /// Runs a future as part of the process: `None` where the process dies
    /// before it completes.
    pub fn guard<T>(&self, future: impl Future<Output = T> + Send + 'static) -> Guarded<T> {
        Guarded {
            life: self.clone(),
            died: Box::pin(self.0.died.clone().cancelled_owned()),
            inner: Some(Box::pin(future)),
        }
    }
}

/// A future that ends with its process.
pub struct Guarded<T> {
    life: Life,
    died: Pin<Box<WaitForCancellationFutureOwned>>,
    inner: Option<BoxFuture<'static, T>>,
}

impl<T> std::fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl<T> Future for Guarded<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        if this.died.as_mut().poll(cx).is_ready() || !this.life.step() {
            this.inner = None;
            return Poll::Ready(None);
        }
        if this.life.detour() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        let polled = inner.as_mut().poll(cx);
        if this.life.is_dead() {
            this.inner = None;
            return Poll::Ready(None);
        }
        polled.map(Some)
    }
}

/// Runs the tasks of one process.
#[derive(Clone, Debug)]
pub struct LifeSpawner {
    /// The process.
    pub life: Life,
    /// Polls its tasks.
    pub conductor: Conductor,
}

impl Spawner for LifeSpawner {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        let guarded = self.life.guard(task);
        self.conductor.spawn(async move {
            guarded.await;
        });
    }
}
