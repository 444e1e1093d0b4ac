use crate::Error;
use alloy_primitives::Keccak256;
use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What goes wrong on purpose. The default is nothing.
///
/// Spelled `none`, or as a list with commas:
///
/// | item | effect |
/// |---|---|
/// | `latency=50ms..2s` | every call takes that long, evenly distributed; `latency=1s` always |
/// | `refuse=5%` | so many calls fail with a `Temporary` error; half of the submissions among them are taken all the same |
/// | `prune=100` | blobs of all but the newest 100 blocks are dropped, once final, whatever `retention` declares |
/// | `reorg=3@2%` | so many blocks are preceded by a reorganisation of 1 to 3 blocks |
/// | `lose=10%` | so many units of a block that is reorganised away are forgotten; the others wait for a block again |
/// | `shuffle` | and these do so in another order |
///
/// Percentages have at most four decimals. What happens is decided by the
/// seed, the number of blocks that the layer ever made (kept in the file) and
/// the number of calls since it was opened, by nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Shortest and longest delay of a call.
    pub latency: Option<(Duration, Duration)>,
    /// Share of calls that fail.
    pub refuse: Share,
    /// Newest blocks that keep their blobs.
    pub prune: Option<u64>,
    /// Reorganisations.
    pub reorg: Option<ReorgFault>,
    /// Share of reorganised units that are forgotten.
    pub lose: Share,
    /// Whether reorganised units change their order.
    pub shuffle: bool,
}

/// Seeded reorganisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReorgFault {
    /// Most blocks that one replaces; at least 1, at most the finality depth.
    pub max_depth: u64,
    /// Share of blocks that are preceded by one.
    pub share: Share,
}

/// A probability in millionths, at most 1,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    const ALL: u32 = 1_000_000;

    /// So many millionths; what exceeds the whole counts as the whole.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(if millionths > Self::ALL {
            Self::ALL
        } else {
            millionths
        })
    }

    /// So many per cent; what exceeds the whole counts as the whole.
    pub const fn from_percent(percent: u32) -> Self {
        Self::from_millionths(percent.saturating_mul(10_000))
    }

    /// True for this share of all evenly distributed numbers.
    const fn covers(self, number: u64) -> bool {
        number % (Self::ALL as u64) < self.0 as u64
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            write!(f, "{whole}%")
        } else {
            let decimals = format!("{rest:04}");
            write!(f, "{whole}.{}%", decimals.trim_end_matches('0'))
        }
    }
}

fn parse_share(text: &str) -> Option<Share> {
    let (whole, decimals) = {
        let number = text.strip_suffix('%')?;
        number.split_once('.').unwrap_or((number, "0"))
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 4 || whole.len() > 3 {
        return None;
    }
    let millionths =
        whole.parse::<u32>().ok()? * 10_000 + format!("{decimals:0<4}").parse::<u32>().ok()?;
    (millionths <= Share::ALL).then_some(Share(millionths))
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (digits, factor) = if let Some(digits) = text.strip_suffix("ms") {
        (digits, 1)
    } else {
        (text.strip_suffix('s')?, 1_000)
    };
    let number: u64 = digits.parse().ok()?;
    Some(Duration::from_millis(number.checked_mul(factor)?))
}

fn parse_item(faults: &mut Faults, key: &str, value: &str) -> Option<()> {
    match key {
        "latency" => {
            let (low, high) = value.split_once("..").unwrap_or((value, value));
            let (low, high) = (parse_duration(low)?, parse_duration(high)?);
            if low > high {
                return None;
            }
            faults.latency = Some((low, high));
        }
        "refuse" => faults.refuse = parse_share(value)?,
        "prune" => faults.prune = Some(value.parse().ok()?),
        "reorg" => {
            let (depth, share) = value.split_once('@')?;
            let max_depth = depth.parse().ok().filter(|depth| *depth > 0)?;
            faults.reorg = Some(ReorgFault {
                max_depth,
                share: parse_share(share)?,
            });
        }
        "lose" => faults.lose = parse_share(value)?,
        "shuffle" if value.is_empty() => faults.shuffle = true,
        _ => return None,
    }
    Some(())
}

impl FromStr for Faults {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut faults = Self::default();
        if text.trim() == "none" {
            return Ok(faults);
        }
        for item in text.split(',') {
            let item = item.trim();
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            parse_item(&mut faults, key.trim(), value.trim()).ok_or_else(|| Error::Config {
                key: "faults",
                reason: format!(
                    "`{}` is not a fault; write `none`, or some of latency=50ms..2s, refuse=5%, \
                     prune=100, reorg=3@2%, lose=10%, shuffle with commas between them",
                    item.chars().take(80).collect::<String>()
                ),
            })?;
        }
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = Vec::new();
        if let Some((low, high)) = self.latency {
            items.push(format!(
                "latency={}ms..{}ms",
                low.as_millis(),
                high.as_millis()
            ));
        }
        if self.refuse.0 > 0 {
            items.push(format!("refuse={}", self.refuse));
        }
        if let Some(kept) = self.prune {
            items.push(format!("prune={kept}"));
        }
        if let Some(reorg) = self.reorg {
            items.push(format!("reorg={}@{}", reorg.max_depth, reorg.share));
        }
        if self.lose.0 > 0 {
            items.push(format!("lose={}", self.lose));
        }
        if self.shuffle {
            items.push("shuffle".to_owned());
        }
        if items.is_empty() {
            items.push("none".to_owned());
        }
        f.write_str(&items.join(","))
    }
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallFate {
    pub(crate) delay: Duration,
    pub(crate) refused: bool,
    /// Of a submission that is refused: whether it takes effect all the same.
    pub(crate) taken: bool,
}

/// Decides, from the seed alone, what goes wrong.
#[derive(Debug)]
pub(crate) struct Dice {
    seed: u64,
    faults: Faults,
    calls: AtomicU64,
}

impl Dice {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            seed,
            faults,
            calls: AtomicU64::new(0),
        }
    }

    pub(crate) fn call(&self) -> CallFate {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let delay = self.faults.latency.map_or(Duration::ZERO, |(low, high)| {
            let spread = u64::try_from((high - low).as_millis()).unwrap_or(u64::MAX - 1);
            let extra = self.roll("latency", call) % spread.saturating_add(1);
            low + Duration::from_millis(extra)
        });
        CallFate {
            delay,
            refused: self.faults.refuse.covers(self.roll("refuse", call)),
            taken: self.roll("taken", call).is_multiple_of(2),
        }
    }

    /// How many blocks a reorganisation replaces before the layer's block
    /// number `seal` is made; 0 for none.
    pub(crate) fn reorg_depth(&self, seal: u64, possible: u64) -> u64 {
        match self.faults.reorg {
            Some(reorg) if reorg.share.covers(self.roll("reorg", seal)) => {
                (1 + self.roll("depth", seal) % reorg.max_depth).min(possible)
            }
            _ => 0,
        }
    }

    /// Which of so many reorganised units stay, and in which order.
    pub(crate) fn survivors(&self, seal: u64, units: usize) -> Vec<usize> {
        let roll = |domain, index: usize| self.roll_two(domain, seal, index as u64);
        let mut kept: Vec<usize> = (0..units)
            .filter(|index| !self.faults.lose.covers(roll("lose", *index)))
            .collect();
        if self.faults.shuffle {
            kept.sort_by_cached_key(|index| (roll("shuffle", *index), *index));
        }
        kept
    }

    fn roll(&self, domain: &str, number: u64) -> u64 {
        self.roll_two(domain, number, 0)
    }

    fn roll_two(&self, domain: &str, number: u64, index: u64) -> u64 {
        let mut hasher = Keccak256::new();
        hasher.update(self.seed.to_le_bytes());
        hasher.update(number.to_le_bytes());
        hasher.update(index.to_le_bytes());
        hasher.update(domain);
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests;
