//! The chain of headers, from one that is trusted to the one that is asked
//! for.
//!
//! Source: CometBFT light client specification, verification; what is not
//! checked by `celestia-types` is checked here: trusting period, network, time.

use crate::{
    CelestiaConfig, CelestiaError, Checkpoint, TrustedHeader,
    endpoints::{Endpoints, Refusal},
    header::{check_shape, facts},
    journal::Journal,
};
use alloy_primitives::B256;
use celestia_rpc::HeaderClient;
use celestia_types::{Error, ExtendedHeader, VerificationError};
use parking_lot::Mutex;
use rollwright_core::{Clock, DaHeader};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// Headers in one request.
const PAGE: u64 = 64;

/// Over a longer distance headers are skipped.
const ADJACENT: u64 = 256;

/// How far a header's time may lie ahead of ours.
const DRIFT_MS: u64 = 10_000;

/// Headers that stay in memory with the roots of their squares.
const CACHED: usize = 8;

/// Headers that are believed, and how others come to be.
#[derive(Debug)]
pub(crate) struct HeaderChain {
    network: String,
    checkpoint: Option<Checkpoint>,
    trusting_period: Option<Duration>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    newest: tokio::sync::Mutex<Option<ExtendedHeader>>,
    cache: Mutex<VecDeque<Arc<TrustedHeader>>>,
}

fn hash(header: &ExtendedHeader) -> B256 {
    match header.hash() {
        tendermint::Hash::Sha256(hash) => hash.into(),
        tendermint::Hash::None => B256::ZERO,
    }
}

pub(crate) fn millis(header: &ExtendedHeader) -> u64 {
    u64::try_from(header.time().unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

fn refuse(error: impl std::fmt::Display) -> Refusal {
    Refusal::Header(error.to_string())
}

impl HeaderChain {
    pub(crate) fn new(
        config: &CelestiaConfig,
        clock: Arc<dyn Clock>,
        journal: Arc<Journal>,
    ) -> Result<Self, CelestiaError> {
        let newest = journal.newest()?;
        Ok(Self {
            network: config.network.clone(),
            checkpoint: config.checkpoint,
            trusting_period: config.trusting_period,
            clock,
            journal,
            newest: tokio::sync::Mutex::new(newest),
            cache: Mutex::default(),
        })
    }

    /// What must hold of a header whatever came before it.
    pub(crate) fn check(&self, header: &ExtendedHeader) -> Result<(), Refusal> {
        if header.chain_id().as_str() != self.network {
            return Err(Refusal::Other(CelestiaError::WrongNetwork {
                expected: self.network.clone(),
                found: header.chain_id().to_string(),
            }));
        }
        check_shape(&header.dah).map_err(refuse)?;
        header.validate().map_err(refuse)?;
        if millis(header) > self.clock.now_ms().saturating_add(DRIFT_MS) {
            return Err(refuse("its time lies in the future"));
        }
        Ok(())
    }

    /// The newest block. One that is followed already is told where the
    /// endpoints know none that is newer.
    pub(crate) async fn head(&self, endpoints: &Endpoints) -> Result<DaHeader, CelestiaError> {
        let offered = endpoints
            .ask(
                0,
                |client| Box::pin(client.header_network_head()),
                |header: ExtendedHeader| self.check(&header).map(|()| header),
            )
            .await?;
        self.follow(endpoints, offered).await
    }

    /// Goes on to a header that an endpoint offers as the newest and that was
    /// checked for itself. Returns the newest that is believed then.
    pub(crate) async fn follow(
        &self,
        endpoints: &Endpoints,
        offered: ExtendedHeader,
    ) -> Result<DaHeader, CelestiaError> {
        let mut newest = self.newest.lock().await;
        let known = match newest.take() {
            Some(known) => known,
            None => self.root(endpoints, &offered).await?,
        };
        let next = self.reach(endpoints, &known, offered).await;
        let (header, result) = match next {
            Ok(header) => (header, Ok(())),
            Err(error) => (known, Err(error)),
        };
        let told = facts(&header.header)?;
        *newest = Some(header);
        result.map(|()| told)
    }

    /// Where trust begins.
    async fn root(
        &self,
        endpoints: &Endpoints,
        offered: &ExtendedHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let root = match self.checkpoint {
            Some(Checkpoint {
                height,
                hash: expected,
            }) => {
                let root = self.fetch(endpoints, height.0).await?;
                let found = hash(&root);
                if found != expected {
                    return Err(CelestiaError::CheckpointMismatch {
                        height: height.0,
                        expected,
                        found,
                    });
                }
                root
            }
            None => {
                tracing::warn!(target: "celestia", height = offered.height(), hash = %hash(offered), "no checkpoint is configured: the first header of the node is believed");
                offered.clone()
            }
        };
        self.journal.believe(&[facts(&root.header)?], Some(&root))?;
        Ok(root)
    }

    /// A header with valid signatures of validators that it names itself.
    async fn fetch(
        &self,
        endpoints: &Endpoints,
        height: u64,
    ) -> Result<ExtendedHeader, CelestiaError> {
        endpoints
            .ask(
                height,
                |client| Box::pin(client.header_get_by_height(height)),
                |header: ExtendedHeader| {
                    if header.height() != height {
                        return Err(refuse(format!("it is of height {}", header.height())));
                    }
                    self.check(&header).map(|()| header)
                },
            )
            .await
    }

    /// Goes on from the newest header to one that is offered.
    async fn reach(
        &self,
        endpoints: &Endpoints,
        known: &ExtendedHeader,
        offered: ExtendedHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        if offered.height() <= known.height() {
            let height = offered.height();
            if let Some(before) = self.journal.header(height)?
                && before.hash != hash(&offered)
            {
                return Err(self.conflict(known, &before, &offered));
            }
            return Ok(known.clone());
        }
        self.refuse_expired(known)?;
        let newest = self.extend(endpoints, known, offered).await?;
        self.journal
            .believe(&[facts(&newest.header)?], Some(&newest))?;
        Ok(newest)
    }

    /// What a header means that is not the one believed at its height.
    fn conflict(
        &self,
        newest: &ExtendedHeader,
        known: &DaHeader,
        other: &ExtendedHeader,
    ) -> CelestiaError {
        if other.header.validators_hash == newest.header.validators_hash {
            return CelestiaError::Fork {
                height: known.height.0,
                known: known.hash,
                found: hash(other),
            };
        }
        CelestiaError::NoHonestEndpoint {
            height: known.height.0,
            what: "its header is another one, signed by validators that are not the network's"
                .to_owned(),
        }
    }

    fn refuse_expired(&self, trusted: &ExtendedHeader) -> Result<(), CelestiaError> {
        let Some(period) = self.trusting_period else {
            return Ok(());
        };
        let age = self.clock.now_ms().saturating_sub(millis(trusted));
        if u128::from(age) > period.as_millis() {
            return Err(CelestiaError::CheckpointExpired {
                height: trusted.height(),
                age_days: age / 86_400_000,
            });
        }
        Ok(())
    }

    /// Verifies the way from a believed header to `target`, which is above it.
    /// What lies between and was looked at is believed as well.
    async fn extend(
        &self,
        endpoints: &Endpoints,
        from: &ExtendedHeader,
        target: ExtendedHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        if target.height() - from.height() > ADJACENT {
            return self.skip(endpoints, from, target).await;
        }
        let mut trusted = from.clone();
        while trusted.height() + 1 < target.height() {
            let end = target.height().min(trusted.height() + 1 + PAGE);
            let before = &trusted;
            let page = endpoints
                .ask(
                    end,
                    |client| Box::pin(client.header_get_range_by_height(before.clone(), end)),
                    |page: Vec<ExtendedHeader>| {
                        let mut last = before;
                        for header in &page {
                            self.check(header)?;
                            last.verify_adjacent(header).map_err(refuse)?;
                            last = header;
                        }
                        if last.height() + 1 != end {
                            return Err(refuse("headers are missing"));
                        }
                        Ok(page)
                    },
                )
                .await?;
            let believed = page
                .iter()
                .map(|header| facts(&header.header))
                .collect::<Result<Vec<_>, _>>()?;
            let Some(last) = page.into_iter().next_back() else {
                return Err(CelestiaError::NotAvailable);
            };
            self.journal.believe(&believed, None)?;
            trusted = last;
        }
        // The target itself may be what does not fit: then another endpoint's
        // is taken.
        if trusted.verify_adjacent(&target).is_ok() {
            return Ok(target);
        }
        let before = &trusted;
        let height = before.height() + 1;
        endpoints
            .ask(
                height,
                |client| Box::pin(client.header_get_by_height(height)),
                |header: ExtendedHeader| {
                    self.check(&header)?;
                    before.verify_adjacent(&header).map_err(refuse)?;
                    Ok(header)
                },
            )
            .await
    }

    /// Skips headers while a third of the trusted validators signed, and halves
    /// the distance where they did not.
    async fn skip(
        &self,
        endpoints: &Endpoints,
        from: &ExtendedHeader,
        target: ExtendedHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let mut trusted = from.clone();
        let mut goals = vec![target];
        while let Some(goal) = goals.last() {
            match trusted.verify(goal) {
                Ok(()) => {
                    let Some(goal) = goals.pop() else { break };
                    self.journal.believe(&[facts(&goal.header)?], None)?;
                    trusted = goal;
                }
                Err(Error::Verification(VerificationError::NotEnoughVotingPower(..)))
                    if goal.height() > trusted.height() + 1 =>
                {
                    let middle = trusted.height() + (goal.height() - trusted.height()) / 2;
                    goals.push(self.fetch(endpoints, middle).await?);
                }
                Err(error) => {
                    return Err(CelestiaError::NoHonestEndpoint {
                        height: goal.height(),
                        what: error.to_string(),
                    });
                }
            }
        }
        Ok(trusted)
    }

    /// A block's header. `NotYet` above the head; `Pruned` where no endpoint
    /// keeps it.
    pub(crate) async fn header(
        &self,
        endpoints: &Endpoints,
        height: u64,
    ) -> Result<Arc<TrustedHeader>, CelestiaError> {
        if let Some(found) = self.cached(height) {
            return Ok(found);
        }
        if height == 0 {
            return Err(CelestiaError::HeightPruned {
                tail: 1,
                requested: 0,
            });
        }
        let known = self
            .newest
            .lock()
            .await
            .as_ref()
            .map_or(0, ExtendedHeader::height);
        if height > known {
            let head = self.head(endpoints).await?.height.0;
            if height > head {
                return Err(CelestiaError::HeightAhead {
                    head,
                    requested: height,
                });
            }
        }
        let header = match self.journal.header(height)? {
            Some(known) => self.known(endpoints, &known).await?,
            None => self.between(endpoints, height).await?,
        };
        let trusted = Arc::new(TrustedHeader::from_validated(&header)?);
        let mut cache = self.cache.lock();
        if cache.len() >= CACHED {
            cache.pop_front();
        }
        cache.push_back(Arc::clone(&trusted));
        Ok(trusted)
    }

    fn cached(&self, height: u64) -> Option<Arc<TrustedHeader>> {
        let cache = self.cache.lock();
        cache
            .iter()
            .find(|header| header.height() == height)
            .cloned()
    }

    /// The facts of a block that is followed already, without asking anybody.
    pub(crate) fn facts(&self, height: u64) -> Result<Option<DaHeader>, CelestiaError> {
        self.journal.header(height)
    }

    /// The whole of a header whose facts are believed.
    async fn known(
        &self,
        endpoints: &Endpoints,
        known: &DaHeader,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let height = known.height.0;
        let newest = self.newest.lock().await.clone();
        endpoints
            .ask(
                height,
                |client| Box::pin(client.header_get_by_height(height)),
                |header: ExtendedHeader| {
                    if TrustedHeader::from_validated(&header)
                        .map_err(refuse)?
                        .facts()
                        == *known
                    {
                        return Ok(header);
                    }
                    if header.height() == height
                        && let Some(newest) = &newest
                        && self.check(&header).is_ok()
                        && let fork @ CelestiaError::Fork { .. } =
                            self.conflict(newest, known, &header)
                    {
                        return Err(Refusal::Other(fork));
                    }
                    Err(refuse(format!(
                        "its hash is {}, {} was verified",
                        hash(&header),
                        known.hash
                    )))
                },
            )
            .await
    }

    /// A header between, or below, those that are believed.
    async fn between(
        &self,
        endpoints: &Endpoints,
        height: u64,
    ) -> Result<ExtendedHeader, CelestiaError> {
        let (below, above) = self.journal.neighbours(height)?;
        if let Some(below) = below
            && let Some(facts) = self.journal.header(below)?
        {
            let from = self.known(endpoints, &facts).await?;
            let target = self.fetch(endpoints, height).await?;
            let found = self.extend(endpoints, &from, target).await?;
            self.journal
                .believe(&[crate::header::facts(&found.header)?], None)?;
            return Ok(found);
        }
        let Some(mut above) = above
            .map(|above| self.journal.header(above))
            .transpose()?
            .flatten()
        else {
            return Err(CelestiaError::HeightAhead {
                head: 0,
                requested: height,
            });
        };
        // Backwards each header names the hash of the one before it.
        loop {
            let wanted = above.parent_hash;
            let at = above.height.0.saturating_sub(1);
            let header = endpoints
                .ask(
                    at,
                    |client| Box::pin(client.header_get_by_height(at)),
                    |header: ExtendedHeader| {
                        let found = TrustedHeader::from_validated(&header)
                            .map_err(refuse)?
                            .facts();
                        if found.hash != wanted {
                            return Err(refuse("the header above it names another one"));
                        }
                        Ok((header, found))
                    },
                )
                .await?;
            let (header, facts) = header;
            self.journal.believe(&[facts], None)?;
            if at <= height {
                return Ok(header);
            }
            above = facts;
        }
    }
}
