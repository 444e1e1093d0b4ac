//! Which sequence a transaction gets, and what becomes of those below it.

use super::{Inner, NotTaken, OwnKey, Work, key_of, reported};
use crate::{
    CelestiaError,
    journal::{OwnAttempt, OwnChange, OwnState, OwnUnit},
    pay::Payer,
};
use rollwright_core::UnitId;

fn attempt_of(unit: &OwnUnit, sequence: u64) -> Option<usize> {
    unit.attempts
        .iter()
        .rposition(|attempt| attempt.sequence == sequence)
}

impl Inner {
    /// The account's number and the lowest sequence that nothing holds; `None`
    /// while one below waits for the unit that holds it.
    ///
    /// A sequence is given out only once a mempool took everything below it:
    /// what is signed leaves no gap. What an earlier caller left unsent is
    /// broadcast on its behalf, and a sequence whose transaction was refused
    /// goes to this unit where its holder no longer asks.
    pub(super) async fn allot(
        &self,
        own: &OwnKey,
        payer: &Payer,
        unit: UnitId,
        head: u64,
    ) -> Result<Option<(u64, u64)>, CelestiaError> {
        let address = payer.address();
        let account = key_of(&address);
        let state = own.consensus.account(&address).await.map_err(reported)?;
        let committed = self.journal.committed(account, state.sequence)?;
        let mut next = committed;
        for (sequence, holder) in self.journal.reserved(account)? {
            let Some(mut theirs) = self.journal.own(holder)? else {
                continue;
            };
            let Some(at) = attempt_of(&theirs, sequence) else {
                continue;
            };
            if sequence < committed {
                self.forget(holder, theirs, at)?;
                continue;
            }
            if sequence > next {
                break;
            }
            let Some(attempt) = theirs.attempts.get_mut(at) else {
                continue;
            };
            match attempt.state {
                OwnState::Rejected | OwnState::Released => {
                    let asks = head <= attempt.sent_at.saturating_add(self.config.margin_blocks);
                    if holder != unit && asks {
                        return Ok(None);
                    }
                    attempt.state = OwnState::Released;
                    let change = OwnChange {
                        release: Some(sequence),
                        ..OwnChange::default()
                    };
                    self.journal.set_own(holder, None, &theirs, change)?;
                    return Ok(Some((state.number, sequence)));
                }
                OwnState::Open if !attempt.accepted => {
                    let taken = help(own, attempt, head).await;
                    self.journal
                        .set_own(holder, None, &theirs, OwnChange::default())?;
                    if !taken? {
                        return Ok(None);
                    }
                }
                _ => {}
            }
            next = sequence.saturating_add(1);
        }
        Ok(Some((state.number, next)))
    }

    /// Releases a sequence that is used, once its unit was found or knows that
    /// it was not its own transaction.
    fn forget(&self, holder: UnitId, mut theirs: OwnUnit, at: usize) -> Result<(), CelestiaError> {
        let placed = self
            .journal
            .unit(holder)?
            .map_or(0, |record| record.placed.len());
        let Some(attempt) = theirs.attempts.get_mut(at) else {
            return Ok(());
        };
        let found = placed >= (attempt.first + attempt.blobs) as usize;
        if attempt.state == OwnState::Open && !found {
            return Ok(());
        }
        if attempt.state == OwnState::Open {
            attempt.state = OwnState::Included;
        }
        attempt.tx = Vec::new();
        let change = OwnChange {
            release: Some(attempt.sequence),
            ..OwnChange::default()
        };
        self.journal.set_own(holder, None, &theirs, change)
    }

    /// Broadcasts everything of this account from `lowest` up to below
    /// `sequence`; false where something is missing or refused.
    pub(super) async fn broadcast_below(
        &self,
        own: &OwnKey,
        work: &Work<'_>,
        lowest: u64,
        sequence: u64,
    ) -> Result<bool, CelestiaError> {
        let mut expected = lowest;
        for (held, holder) in self.journal.reserved(work.mine.account)? {
            if held < lowest || held >= sequence {
                continue;
            }
            if held != expected {
                return Ok(false);
            }
            let bytes = self.journal.own(holder)?.and_then(|theirs| {
                let at = attempt_of(&theirs, held)?;
                theirs.attempts.get(at).map(|attempt| attempt.tx.clone())
            });
            match bytes {
                Some(bytes) if !bytes.is_empty() => match own.consensus.broadcast(bytes).await {
                    Ok(()) | Err(NotTaken::Refused(CelestiaError::AlreadyPending)) => {}
                    Err(NotTaken::Refused(error)) => {
                        tracing::warn!(target: "celestia", %error, sequence = held, "a transaction that was lost is refused now");
                        return Ok(false);
                    }
                    Err(NotTaken::Open(error)) => return Err(error),
                },
                _ => return Ok(false),
            }
            expected += 1;
        }
        Ok(expected == sequence)
    }
}

/// Broadcasts what another call signed and did not get rid of; whether a
/// mempool took it.
async fn help(own: &OwnKey, attempt: &mut OwnAttempt, head: u64) -> Result<bool, CelestiaError> {
    match own.consensus.broadcast(attempt.tx.clone()).await {
        Ok(()) | Err(NotTaken::Refused(CelestiaError::AlreadyPending)) => {
            attempt.accepted = true;
            attempt.broadcasts += 1;
            attempt.sent_at = head;
            Ok(true)
        }
        // Its own call finds out who used the sequence.
        Err(NotTaken::Refused(CelestiaError::SequenceMismatch { .. })) => Ok(false),
        Err(NotTaken::Refused(error)) => {
            tracing::info!(target: "celestia", %error, sequence = attempt.sequence, "what waited to be sent is refused");
            attempt.state = OwnState::Rejected;
            attempt.sent_at = head;
            Ok(false)
        }
        Err(NotTaken::Open(error)) => {
            attempt.broadcasts += 1;
            Err(error)
        }
    }
}
