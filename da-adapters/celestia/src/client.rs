use crate::{
    CelestiaConfig, CelestiaError, GasPrice,
    endpoints::Endpoints,
    follow::HeaderChain,
    gas_of,
    journal::Journal,
    namespace_text, proof,
    read::Content,
    sampling::{self, BlockSampling, SampleReport, SampleSecret},
    submit::Flights,
};
use alloy_primitives::B256;
use parking_lot::Mutex;
use rollwright_core::{
    BlobRef, Clock, DaBlock, DaBlockId, DaCaps, DaClaim, DaFinality, DaHead, DaHeader, DaHeight,
    DaLane, DataAvailability, Fee, PostingUnit, Proof, Submission,
};
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::watch;

/// A rollup's handle on Celestia. Clones share connections and journal.
///
/// Everything that it returns was verified against headers that the validators
/// signed and that follow from the checkpoint. Posting is exactly once in
/// effect: a submission whose outcome is open is looked for in every block,
/// and made again only once it can be in no mempool any more.
#[derive(Clone, Debug)]
pub struct CelestiaDa {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: CelestiaConfig,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) chain: HeaderChain,
    pub(crate) journal: Arc<Journal>,
    pub(crate) contents: Mutex<VecDeque<Arc<Content>>>,
    pub(crate) flights: Flights,
    #[cfg(feature = "grpc")]
    pub(crate) clock: Arc<dyn Clock>,
    #[cfg(feature = "grpc")]
    pub(crate) own_key: Option<crate::own_key::OwnKey>,
    caps: DaCaps,
}

impl CelestiaDa {
    /// Opens the journal and names the nodes. Nothing is asked yet: a node that
    /// does not run shows with the first call.
    ///
    /// `Fatal` where a setting or the journal is not usable; one process uses a
    /// journal at a time.
    pub fn open(config: CelestiaConfig, clock: Arc<dyn Clock>) -> Result<Self, CelestiaError> {
        #[cfg(feature = "grpc")]
        let own_key = crate::own_key::OwnKey::new(&config, None)?;
        Self::assemble(
            config,
            clock,
            #[cfg(feature = "grpc")]
            own_key,
        )
    }

    /// As [`open`](Self::open), with something in the consensus node's place.
    #[cfg(all(test, feature = "grpc", feature = "devnet"))]
    pub(crate) fn open_over(
        config: CelestiaConfig,
        clock: Arc<dyn Clock>,
        consensus: Arc<dyn crate::own_key::Consensus>,
    ) -> Result<Self, CelestiaError> {
        let own_key = crate::own_key::OwnKey::new(&config, Some(consensus))?;
        Self::assemble(config, clock, own_key)
    }

    fn assemble(
        config: CelestiaConfig,
        clock: Arc<dyn Clock>,
        #[cfg(feature = "grpc")] own_key: Option<crate::own_key::OwnKey>,
    ) -> Result<Self, CelestiaError> {
        if config.gas_price > config.max_gas_price {
            return Err(CelestiaError::Config {
                key: "gas-price",
                reason: format!("it is above `max-gas-price`, {}", config.max_gas_price),
            });
        }
        let journal = Arc::new(Journal::open(
            config.path.as_deref(),
            &config.network,
            config.namespace.as_bytes(),
        )?);
        let endpoints = Arc::new(Endpoints::new(&config, Arc::clone(&clock))?);
        let chain = HeaderChain::new(&config, Arc::clone(&clock), Arc::clone(&journal))?;
        let max_blob_bytes = journal
            .max_blob_bytes()?
            .map_or(config.max_blob_bytes, |found| {
                found.min(config.max_blob_bytes)
            });
        let caps = DaCaps {
            layer: "celestia".to_owned(),
            network: config.network.clone(),
            lanes: vec![DaLane::Batch, DaLane::Forced],
            max_blob_bytes,
            max_unit_bytes: max_blob_bytes,
            block_time: config.block_time,
            finality: DaFinality::Instant,
            retention: config.retention,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                endpoints,
                chain,
                journal,
                contents: Mutex::default(),
                flights: Flights::new(max_blob_bytes),
                #[cfg(feature = "grpc")]
                clock,
                #[cfg(feature = "grpc")]
                own_key,
                caps,
                config,
            }),
        })
    }

    /// Ends the handle and all its clones: submissions under way are dropped
    /// and the journal's file is released for another process. Every later
    /// call that needs the journal fails with [`CelestiaError::Closed`].
    /// Without it the same happens once the last clone is dropped.
    pub fn close(&self) {
        self.inner.flights.end();
        self.inner.journal.close();
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Where this rollup's blobs lie, in full.
    pub fn namespace(&self) -> String {
        namespace_text(self.inner.config.namespace)
    }

    /// Told how many submissions wait for a node's answer.
    pub fn outstanding(&self) -> watch::Receiver<usize> {
        self.inner.flights.outstanding()
    }

    /// Samples the newest block once, over all nodes, with proofs against its
    /// verified header: how sure it is that the block was published as a whole.
    /// Derivation does not depend on it.
    ///
    /// `samples` distinct shares are drawn from `secret`. `Ok` says what was
    /// given; the block is available where the report says so.
    pub async fn sample_head(
        &self,
        secret: &SampleSecret,
        samples: u16,
    ) -> Result<SampleReport, CelestiaError> {
        let Inner {
            chain, endpoints, ..
        } = &*self.inner;
        let head = chain.head(endpoints).await?.height.0;
        let header = chain.header(endpoints, head).await?;
        let block = BlockSampling::new(header, secret, samples.max(1), 1);
        Ok(sampling::once(endpoints, block, 0).await)
    }

    /// What the account that pays has, in utia: a node's word, not a proof.
    pub async fn balance(&self) -> Result<u64, CelestiaError> {
        #[cfg(feature = "grpc")]
        if let Some(own) = &self.inner.own_key {
            return own.balance().await;
        }
        use celestia_rpc::StateClient;
        self.inner
            .endpoints
            .ask(
                0,
                |client| Box::pin(client.state_balance()),
                |coin| Ok(coin.amount()),
            )
            .await
    }

    /// The address that is paid from, the first of several.
    pub async fn address(&self) -> Result<String, CelestiaError> {
        #[cfg(feature = "grpc")]
        if let Some(address) = self.inner.own_key.as_ref().and_then(|own| own.address()) {
            return Ok(address.to_string());
        }
        use celestia_rpc::StateClient;
        self.inner
            .endpoints
            .ask(
                0,
                |client| Box::pin(client.state_account_address()),
                |address| Ok(address.to_string()),
            )
            .await
    }
}

impl DataAvailability for CelestiaDa {
    type Error = CelestiaError;

    fn caps(&self) -> DaCaps {
        self.inner.caps.clone()
    }

    /// Celestia is final at one block.
    async fn head(&self) -> Result<DaHead, CelestiaError> {
        let head = self.inner.chain.head(&self.inner.endpoints).await?.id();
        Ok(DaHead {
            observed: head,
            finalized: Some(head),
        })
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, CelestiaError> {
        Box::pin(Inner::submit(&self.inner, unit)).await
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, CelestiaError> {
        self.inner.fetch(height, hash).await
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, CelestiaError> {
        self.inner.prove(blob).await
    }

    fn verify(
        &self,
        header: &DaHeader,
        claim: &DaClaim,
        proof: &Proof,
    ) -> Result<(), CelestiaError> {
        let namespace = self.inner.config.namespace;
        Ok(proof::verify(namespace, header, claim, proof)?)
    }

    async fn estimate_fee(&self, unit: &PostingUnit) -> Result<Option<Fee>, CelestiaError> {
        let gas = gas_of(unit.blobs.iter().map(|blob| blob.data.len() as u64));
        Ok(Some(utia(self.inner.config.gas_price, gas)))
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, CelestiaError> {
        let header = self
            .inner
            .chain
            .header(&self.inner.endpoints, height.0)
            .await?;
        Ok(header.facts())
    }

    /// Answered for pruned blocks too: headers that were followed are kept.
    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, CelestiaError> {
        if let Some(known) = self.inner.chain.facts(block.height.0)? {
            return Ok(known.hash == block.hash);
        }
        match self.header(block.height).await {
            Ok(header) => Ok(header.hash == block.hash),
            Err(CelestiaError::HeightAhead { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What gas costs at a price.
pub(crate) fn utia(price: GasPrice, gas: u64) -> Fee {
    Fee {
        amount: price.fee(gas),
        unit: "utia".to_owned(),
    }
}
