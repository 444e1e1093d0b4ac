//! Wall time, CPU time and memory of this process.

use std::{
    fs,
    time::{Duration, Instant},
};

#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

pub(crate) struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self {
            cpu: cpu(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            wall: self.wall.elapsed(),
            cpu: cpu().saturating_sub(self.cpu),
        }
    }

    pub(crate) fn report(&self, what: &str) {
        let cost = self.cost();
        println!(
            "{what}: {:.0} ms wall, {:.0} ms CPU; memory: {}",
            ms(cost.wall),
            ms(cost.cpu),
            memory()
        );
    }
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU time of all threads of this process that live, to the nanosecond.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanos: u64 = tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanos)
}

/// Resident memory now, and at most.
pub(crate) fn memory() -> String {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.map_or_else(|| "?".into(), |kib| format!("{} MiB", kib >> 10))
    };
    format!("{}, peak {}", field("VmRSS"), field("VmHWM"))
}
