use crate::Draw;

/// A time in which the layer, or the way to it, is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spell {
    /// Whom it meets; everybody where none is named.
    pub node: Option<usize>,
    /// When it ends, in milliseconds since the run began.
    pub until_ms: u64,
    /// What it is.
    pub kind: SpellKind,
}

/// What a spell does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpellKind {
    /// Each call takes up to so many milliseconds.
    Slow(u64),
    /// So many of a thousand calls are refused.
    Refuse(u32),
    /// So many of a thousand answers are lost after the call took effect.
    LoseAnswers(u32),
    /// Calls do not return before the end of the spell, and fail then.
    Hang,
    /// The newest blocks are not seen.
    Behind(u64),
    /// No blocks are made.
    Stall,
    /// Units stand in blocks in any order.
    Shuffle,
    /// Units are taken in pieces, in turns.
    Piecemeal,
    /// Blocks come with so many of a thousand blobs twice.
    Duplicate(u32),
}

/// The spells of a run.
#[derive(Debug)]
pub(super) struct Weather {
    pub(super) spells: Vec<Spell>,
    pub(super) draw: Draw,
}

/// What the weather does to one call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    pub(super) delay_ms: u64,
    /// The call fails at this time, without effect.
    pub(super) hangs_until: Option<u64>,
    pub(super) refused: bool,
    pub(super) answer_lost: bool,
    pub(super) behind: u64,
}

impl Weather {
    fn active(&self, node: Option<usize>, now_ms: u64) -> impl Iterator<Item = &SpellKind> {
        self.spells
            .iter()
            .filter(move |spell| {
                now_ms < spell.until_ms && (spell.node.is_none() || spell.node == node)
            })
            .map(|spell| &spell.kind)
    }

    /// What a call of a node meets now.
    pub(super) fn meet(&mut self, node: usize, now_ms: u64) -> Met {
        let mut met = Met {
            delay_ms: 2 + self.draw.below(30),
            ..Met::default()
        };
        let spells: Vec<_> = self.active(Some(node), now_ms).cloned().collect();
        let end = |kind: &SpellKind| {
            self.spells
                .iter()
                .filter(|spell| spell.kind == *kind && spell.node.is_none_or(|n| n == node))
                .map(|spell| spell.until_ms)
                .max()
        };
        met.hangs_until = spells
            .contains(&SpellKind::Hang)
            .then(|| end(&SpellKind::Hang))
            .flatten();
        for spell in spells {
            match spell {
                SpellKind::Slow(most_ms) => met.delay_ms += self.draw.below(most_ms),
                SpellKind::Refuse(chance) => met.refused |= self.draw.permille(chance),
                SpellKind::LoseAnswers(chance) => met.answer_lost |= self.draw.permille(chance),
                SpellKind::Behind(blocks) => met.behind = met.behind.max(blocks),
                _ => {}
            }
        }
        met
    }

    /// True while such a spell lasts for everybody.
    pub(super) fn is(&self, kind: &SpellKind, now_ms: u64) -> bool {
        self.active(None, now_ms).any(|active| active == kind)
    }

    /// How many of a thousand blobs come twice.
    pub(super) fn duplicated(&self, now_ms: u64) -> u32 {
        self.active(None, now_ms)
            .filter_map(|kind| match kind {
                SpellKind::Duplicate(chance) => Some(*chance),
                _ => None,
            })
            .max()
            .unwrap_or(0)
    }
}
