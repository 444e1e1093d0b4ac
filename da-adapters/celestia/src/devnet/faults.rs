//! What goes wrong on command.

use super::chain::Forgery;
use parking_lot::Mutex;
use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered later.
    Latency(Duration),
    /// It is answered with an error of this text.
    Error(String),
    /// The HTTP request is answered with this status and no body; a WebSocket
    /// is closed.
    Status(u16),
    /// It is answered with this text instead of JSON.
    Garbage(String),
    /// It is carried out, and the connection is closed in the middle of the
    /// answer.
    Cut,
    /// It is never answered.
    Hang,
    /// A submission is not taken, and never answered.
    LostBeforeMempool,
    /// A submission is taken, and never answered.
    LostAfterMempool,
    /// A submission is included, and then answered with a time-out.
    LostAfterInclusion,
    /// A submission is included twice.
    Duplicate,
    /// A consensus node denies knowing a transaction.
    Unknown,
}

/// How a dishonest node answers, until it is told to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The last row of a namespace is left out.
    OmitRow,
    /// The last share of each row of a namespace is left out, with a proof
    /// that holds for the others.
    OmitShare,
    /// A namespace is said to be absent.
    Absent,
    /// A share of a namespace stands there twice.
    AddShare,
    /// A bit of a share is another one.
    CorruptShare,
    /// A bit of a node of a proof is another one.
    CorruptProof,
    /// The block one height below is given.
    OtherHeight,
    /// This is said to be the newest height.
    StaleHead(u64),
    /// Headers do not hold.
    Header(Forgery),
    /// Another header, signed by the validators too.
    Fork,
    /// A sample is that of the share one column further.
    OtherSample,
}

/// Shares that a node does not give, while it proves all others honestly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The fewest shares without which no square can be recovered: in one more
    /// than half of the rows one more than half of the shares.
    Unrecoverable,
    /// The shares of these rows and columns, in squares that have them.
    Shares(BTreeSet<(u16, u16)>),
}

impl Withheld {
    /// Whether a share of an extended square of this width is withheld.
    pub(crate) fn holds_back(&self, width: usize, row: usize, column: usize) -> bool {
        match self {
            Self::Unrecoverable => row <= width / 2 && column <= width / 2,
            Self::Shares(shares) => shares
                .iter()
                .any(|&(r, c)| (usize::from(r), usize::from(c)) == (row, column)),
        }
    }
}

#[derive(Debug, Default)]
struct Script {
    calls: Vec<(String, Fault, u32)>,
    lie: Option<Lie>,
    shares: Option<(RangeInclusive<u64>, Withheld)>,
    withheld: bool,
    halted: bool,
}

/// Faults in force. Clones of the handle share them.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Script>);

impl Faults {
    /// For the next `times` calls of a method.
    pub(crate) fn add(&self, method: &str, fault: Fault, times: u32) {
        self.0.lock().calls.push((method.to_owned(), fault, times));
    }

    /// The fault of this call, which is then spent.
    pub(crate) fn take(&self, method: &str) -> Option<Fault> {
        let mut script = self.0.lock();
        let at = script
            .calls
            .iter()
            .position(|(name, _, times)| name == method && *times > 0)?;
        let (_, fault, times) = script.calls.get_mut(at)?;
        let fault = fault.clone();
        *times -= 1;
        if *times == 0 {
            script.calls.remove(at);
        }
        Some(fault)
    }

    pub(crate) fn clear(&self) {
        *self.0.lock() = Script::default();
    }

    pub(crate) fn set_lie(&self, lie: Option<Lie>) {
        self.0.lock().lie = lie;
    }

    pub(crate) fn lie(&self) -> Option<Lie> {
        self.0.lock().lie.clone()
    }

    /// Shares of these heights are not given from now on.
    pub(crate) fn withhold_shares(&self, shares: Option<(RangeInclusive<u64>, Withheld)>) {
        self.0.lock().shares = shares;
    }

    /// Whether any of these shares of a block is not given.
    pub(crate) fn hold_back(
        &self,
        height: u64,
        width: usize,
        mut shares: impl Iterator<Item = (usize, usize)>,
    ) -> bool {
        match &self.0.lock().shares {
            Some((heights, withheld)) if heights.contains(&height) => {
                shares.any(|(row, column)| withheld.holds_back(width, row, column))
            }
            _ => false,
        }
    }

    /// Units stay in the mempool.
    pub(crate) fn withhold(&self, withheld: bool) {
        self.0.lock().withheld = withheld;
    }

    pub(crate) fn is_withheld(&self) -> bool {
        self.0.lock().withheld
    }

    /// No blocks are made by time.
    pub(crate) fn halt(&self, halted: bool) {
        self.0.lock().halted = halted;
    }

    pub(crate) fn is_halted(&self) -> bool {
        self.0.lock().halted
    }
}
