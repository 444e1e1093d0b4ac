//! What a process has used, by the kernel's accounting.

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// Clock ticks a second of `/proc/PID/stat`: 100 on every Linux architecture
/// that the kit supports.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time and memory of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all threads.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub rss: u64,
    /// The most resident memory that it ever had, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Reads `/proc/PID`. An error where the process has ended.
    pub fn of(pid: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            fs::read_to_string(&path).with_context(|| format!("reading {path}"))
        };
        let cpu = cpu(&read("stat")?).context("/proc/PID/stat has another form")?;
        let status = read("status")?;
        Ok(Self {
            cpu,
            rss: kilobytes(&status, "VmRSS:").unwrap_or(0) * 1024,
            peak: kilobytes(&status, "VmHWM:").unwrap_or(0) * 1024,
        })
    }

    /// This process.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id())
    }
}

/// Open file descriptors of a process.
pub fn open_files(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Fields 14 and 15; the second field is a name that may hold anything, in
/// parentheses.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1_000 / TICKS_PER_SECOND,
    ))
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_spaces_and_parentheses() {
        let stat = "17 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
    }

    #[test]
    fn the_own_process_has_memory_and_files() {
        let own = Usage::own().unwrap();
        assert!(own.rss > 0 && own.peak >= own.rss / 2);
        assert!(open_files(std::process::id()).unwrap() > 0);
    }

    #[test]
    fn an_ended_process_is_an_error() {
        assert!(Usage::of(u32::MAX).is_err());
    }
}
