//! What a server has shown, against which its later answers are checked.

use rollwright_core::DaHeader;
use std::collections::BTreeMap;

/// Verified headers that are remembered, to compare later answers with.
const KNOWN_HEADERS: usize = 4096;

/// Headers that the server has shown, all verified, each the other's parent
/// where heights follow.
#[derive(Debug, Default)]
pub(super) struct Seen {
    finalized: Option<DaHeader>,
    headers: BTreeMap<u64, DaHeader>,
}

impl Seen {
    fn is_final(&self, height: u64) -> bool {
        self.finalized
            .is_some_and(|header| height <= header.height.0)
    }

    /// Takes a header in, or says what it contradicts.
    pub(super) fn admit(&mut self, header: &DaHeader) -> Result<(), (&'static str, String)> {
        let height = header.height.0;
        if let Some(known) = self.headers.get(&height) {
            if known == header {
                return Ok(());
            }
            if self.is_final(height) {
                return Err((
                    "final block",
                    format!("block {height} was {}, is now {}", known.hash, header.hash),
                ));
            }
        }
        let below = height
            .checked_sub(1)
            .and_then(|below| self.headers.get(&below));
        let link = |detail| Err(("parent link", detail));
        match below {
            Some(parent) if parent.hash != header.parent_hash && self.is_final(height - 1) => {
                return link(format!(
                    "block {height} names {} as its parent, the final block there is {}",
                    header.parent_hash, parent.hash
                ));
            }
            _ => {}
        }
        let above = height
            .checked_add(1)
            .and_then(|above| self.headers.get(&above));
        match above {
            Some(child) if child.parent_hash != header.hash && self.is_final(height + 1) => {
                return link(format!(
                    "final block {} has the parent {}, block {height} is {}",
                    height + 1,
                    child.parent_hash,
                    header.hash
                ));
            }
            _ => {}
        }
        self.forget_fork(header);
        self.headers.insert(height, *header);
        while self.headers.len() > KNOWN_HEADERS {
            self.headers.pop_first();
        }
        Ok(())
    }

    /// Drops headers, none of them final, that are not on one chain with this.
    fn forget_fork(&mut self, header: &DaHeader) {
        let height = header.height.0;
        let is_parent = |known: &DaHeader| known.hash == header.parent_hash;
        if height > 0
            && self
                .headers
                .get(&(height - 1))
                .is_some_and(|known| !is_parent(known))
        {
            let fixed = self.finalized.map_or(0, |header| header.height.0);
            self.headers.retain(|known, _| *known <= fixed);
        }
        if self
            .headers
            .get(&height)
            .is_some_and(|known| known.hash != header.hash)
        {
            self.headers.retain(|known, _| *known < height);
        }
        let breaks = |child: &DaHeader| child.parent_hash != header.hash;
        if self
            .headers
            .get(&height.saturating_add(1))
            .is_some_and(breaks)
        {
            self.headers.retain(|known, _| *known <= height);
        }
    }

    pub(super) fn finalize(&mut self, header: &DaHeader) -> Result<(), (&'static str, String)> {
        if let Some(known) = self.finalized {
            if known.height > header.height {
                return Err((
                    "final head",
                    format!("it was {}, is now {}", known.height, header.height),
                ));
            }
            if known.height == header.height && known.hash != header.hash {
                return Err((
                    "final block",
                    format!(
                        "block {} was {}, is now {}",
                        known.height, known.hash, header.hash
                    ),
                ));
            }
        }
        self.admit(header)?;
        self.finalized = Some(*header);
        Ok(())
    }
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
