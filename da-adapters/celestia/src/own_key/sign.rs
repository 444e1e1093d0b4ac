//! Signing for a unit, and writing it down.

use super::{OwnKey, Work, held, policy};
use crate::{
    CelestiaError, GasPrice,
    client::Inner,
    gas_of,
    journal::{OwnAttempt, OwnChange, OwnState},
    pay::{Terms, with_blobs},
};

/// Each signature of a unit has this much more gas than the one before: what
/// was refused once is not refused for being the same.
const GAS_STEP: u64 = 1;

pub(super) const HOUR_MS: u64 = 3_600_000;

impl Inner {
    /// What a first signature is priced at.
    pub(super) async fn price(&self, own: &OwnKey) -> Result<GasPrice, CelestiaError> {
        let estimate = if own.estimate {
            Some(own.consensus.estimate().await?)
        } else {
            None
        };
        policy::first_price(self.config.gas_price, estimate, self.config.max_gas_price)
            .map_err(held)
    }

    /// Signs what is left of a unit under a new sequence and broadcasts it.
    pub(super) async fn sign_next(
        &self,
        own: &OwnKey,
        work: &mut Work<'_>,
    ) -> Result<(), CelestiaError> {
        let price = self.price(own).await?;
        let free = self.allot(own, work.payer, work.unit.id, work.head).await?;
        let Some((number, sequence)) = free else {
            return Ok(());
        };
        self.sign(own, work, number, sequence, price).await?;
        self.broadcast(own, work).await
    }

    /// A unit whose sequence was given away gets it back, or another one once
    /// its own is used.
    pub(super) async fn sign_after_release(
        &self,
        own: &OwnKey,
        work: &mut Work<'_>,
        last: &OwnAttempt,
    ) -> Result<(), CelestiaError> {
        let price = self.price(own).await?;
        let free = self.allot(own, work.payer, work.unit.id, work.head).await?;
        let Some((number, sequence)) = free else {
            return Ok(());
        };
        let committed = self.journal.committed(work.mine.account, 0)?;
        if sequence != last.sequence && committed <= last.sequence {
            return Ok(());
        }
        self.sign(own, work, number, sequence, price).await?;
        self.broadcast(own, work).await
    }

    pub(super) async fn sign_again(
        &self,
        own: &OwnKey,
        work: &mut Work<'_>,
        price: GasPrice,
    ) -> Result<(), CelestiaError> {
        self.replace(own, work, price).await?;
        self.broadcast(own, work).await
    }

    /// Signs anew under the newest attempt's sequence.
    pub(super) async fn replace(
        &self,
        own: &OwnKey,
        work: &mut Work<'_>,
        price: GasPrice,
    ) -> Result<(), CelestiaError> {
        let Some(sequence) = work.mine.last().map(|last| last.sequence) else {
            return Ok(());
        };
        let number = own.consensus.account(&work.payer.address()).await?.number;
        self.sign(own, work, number, sequence, price).await
    }

    /// Signs and writes down, durable on return.
    async fn sign(
        &self,
        own: &OwnKey,
        work: &mut Work<'_>,
        number: u64,
        sequence: u64,
        price: GasPrice,
    ) -> Result<(), CelestiaError> {
        let first = work.record.placed.len();
        let most = usize::try_from(work.record.most.max(1)).unwrap_or(usize::MAX);
        let blobs = self.blobs(work.unit, first, most).await?;
        let gas = gas_of(blobs.iter().map(|blob| blob.data.len() as u64));
        // A failure for lack of gas is not repeated.
        let failures = work
            .mine
            .attempts
            .iter()
            .filter(|attempt| attempt.state == OwnState::Failed)
            .count() as u64;
        let gas_limit = gas
            .saturating_add(gas / 5 * failures)
            .saturating_add(work.mine.signed.saturating_mul(GAS_STEP));
        let fee = u64::try_from(price.fee(gas_limit)).unwrap_or(u64::MAX);
        let before = work
            .mine
            .last()
            .filter(|last| last.sequence == sequence)
            .map_or(0, |last| last.fee);
        let hour = work.now_ms / HOUR_MS;
        let more = fee.saturating_sub(before);
        policy::within_limit(self.journal.spent(hour)?, more, own.max_spend).map_err(held)?;
        let terms = Terms {
            chain_id: &own.network,
            account: number,
            sequence,
            gas_limit,
            fee,
            granter: own.granter.as_ref(),
        };
        let signed = work.payer.sign(&terms, &blobs)?;
        let count = u32::try_from(blobs.len()).unwrap_or(u32::MAX);
        let attempt = OwnAttempt {
            sequence,
            hash: signed.hash,
            tx: with_blobs(signed.tx, blobs),
            price: price.micro(),
            fee,
            first: u32::try_from(first).unwrap_or(u32::MAX),
            blobs: count,
            sent_at: work.head,
            broadcasts: 0,
            accepted: false,
            consumed_at: None,
            state: OwnState::Open,
        };
        work.mine.signed += 1;
        match work.mine.attempts.last_mut() {
            // What never was in a mempool need not be remembered.
            Some(last) if last.sequence == sequence && last.broadcasts == 0 => *last = attempt,
            Some(last) => {
                last.tx = Vec::new();
                work.mine.attempts.push(attempt);
            }
            None => work.mine.attempts.push(attempt),
        }
        self.save(
            work,
            OwnChange {
                reserve: Some(sequence),
                spent: Some((hour, more)),
                ..OwnChange::default()
            },
        )
    }
}
