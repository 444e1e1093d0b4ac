use alloy_primitives::map::HashMap;
use rollwright_core::{Fee, UnitId};

/// When to ask the layer about a unit again, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    units: HashMap<UnitId, Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    asked_ms: u64,
    again_ms: u64,
    fee: Option<Fee>,
}

impl Pace {
    /// True where it is time to submit the unit, for the first time or again.
    /// A clock that was set back makes it time too: it may be a long way back.
    pub(super) fn is_due(&self, unit: &UnitId, now_ms: u64) -> bool {
        self.units
            .get(unit)
            .is_none_or(|asked| !(asked.asked_ms..asked.again_ms).contains(&now_ms))
    }

    /// True where the layer has answered that it has the unit.
    pub(super) fn is_taken(&self, unit: &UnitId) -> bool {
        self.units.contains_key(unit)
    }

    /// Notes an answer, and how long to wait before the next question.
    pub(super) fn answered(&mut self, unit: UnitId, now_ms: u64, wait_ms: u64, fee: Option<Fee>) {
        let asked = self.units.entry(unit).or_default();
        asked.asked_ms = now_ms;
        asked.again_ms = now_ms.saturating_add(wait_ms);
        if fee.is_some() {
            asked.fee = fee;
        }
    }

    /// Asks about everything at the next look.
    pub(super) fn hurry(&mut self) {
        self.units.values_mut().for_each(|asked| asked.again_ms = 0);
    }

    /// Keeps what is known of these units alone.
    pub(super) fn retain(&mut self, keep: impl Fn(&UnitId) -> bool) {
        self.units.retain(|unit, _| keep(unit));
    }

    /// What the units cost together; `None` until all of them are known.
    pub(super) fn fee(&self, units: &[UnitId]) -> Option<Fee> {
        let mut fees = units.iter().map(|unit| self.units.get(unit)?.fee.clone());
        let mut sum = fees.next()??;
        for fee in fees {
            sum.amount = sum.amount.saturating_add(fee?.amount);
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests;
