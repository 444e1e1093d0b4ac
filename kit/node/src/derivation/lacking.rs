//! What a node lacks of the chain's amendments, by what its sequencer
//! announces.

use super::Derivation;
use crate::{NodeError, OnAnnouncement, records};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{ChainStore, DaOrdinal, DataAvailability, RecordChange};
use rollwright_derive::{Announcement, Derivable, DeriveEvent, Rules};

/// An amendment that was announced and is not held here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Lacking {
    /// Ordinal of the DA block at which the first batch that announces it was
    /// applied.
    pub(crate) heard: DaOrdinal,
    /// What was announced.
    pub(crate) announced: Announcement,
}

impl Lacking {
    /// What a store remembers; `None` where it is held by now, or was undone.
    pub(crate) fn load<S: ChainStore>(
        store: &S,
        rules: &Rules,
        next: DaOrdinal,
    ) -> Result<Option<Self>, NodeError> {
        let found: Option<Self> = records::get(store, records::LACKING)?;
        Ok(found.filter(|lacking| lacking.heard < next && !rules.hold(&lacking.announced)))
    }

    fn error(&self) -> NodeError {
        NodeError::LacksAmendment {
            activation: self.announced.activation.0,
            what: what(&self.announced),
            digest: self.announced.digest,
        }
    }
}

/// What is to change, for people. The text comes from outside: only letters,
/// digits and a few signs of it are shown.
fn what(announced: &Announcement) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match announced.change {
        0 => "the sequencer's keys".into(),
        1 => "the gas limit".into(),
        2 => "the sequencing policy".into(),
        3 => "timing".into(),
        4 => "the forced lane".into(),
        5 => "limits".into(),
        6 => "codecs".into(),
        7 => {
            let layer: String = announced.layer.chars().filter(plain).collect();
            format!("the DA layer, to {layer}")
        }
        other => format!("what this release does not know ({other})"),
    }
}

impl<E: Derivable, D: DataAvailability> Derivation<E, D> {
    /// Notes what batches announce; the record to commit with them.
    pub(super) fn hear(&mut self, events: &[DeriveEvent], at: DaOrdinal) -> Option<RecordChange> {
        let rules = self.deriver.rules();
        let lacked = |event: &DeriveEvent| match event {
            DeriveEvent::Batch(batch) => batch
                .announced
                .clone()
                .filter(|announced| announced.activation > at && !rules.hold(announced)),
            _ => None,
        };
        let announced = events.iter().find_map(lacked)?;
        if self.lacking.is_some() {
            return None;
        }
        let lacking = Lacking {
            heard: at,
            announced,
        };
        let record = records::put(records::LACKING, &lacking);
        self.lacking = Some(lacking);
        Some(record)
    }

    /// Forgets what was heard in DA blocks that are undone from `first` on.
    pub(super) fn unhear(&mut self, first: DaOrdinal) -> Option<RecordChange> {
        self.lacking.take_if(|lacking| lacking.heard >= first)?;
        self.errors.recovered("amendments");
        Some(RecordChange::delete(records::LACKING))
    }

    /// Alarms where an announced amendment is lacking. True where nothing more
    /// is read until it is given.
    pub(super) fn holds_back(&self) -> bool {
        metrics::gauge!("rollwright_amendments_lacking").set(if self.lacking.is_some() {
            1.0
        } else {
            0.0
        });
        let Some(lacking) = &self.lacking else {
            return false;
        };
        self.errors
            .failed("amendments", "following the chain", &lacking.error());
        self.config.on_announcement == OnAnnouncement::Hold
    }
}
