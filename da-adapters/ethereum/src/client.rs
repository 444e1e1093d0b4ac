use crate::{
    Error, EthereumDaConfig,
    codec::MAX_PAYLOAD_BYTES,
    fees::BlobSchedule,
    onchain::TransactionProof,
    poster::{Poster, wei},
    proof,
    reader::Reader,
    rpc::{Endpoints, Tag},
    store::Store,
};
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, B256};
use rollwright_core::{
    BlobRef, Clock, DaBlock, DaBlockId, DaCaps, DaClaim, DaFinality, DaHead, DaHeader, DaHeight,
    DaLane, DataAvailability, Fee, PostingUnit, Proof, Submission,
};
use std::sync::Arc;

/// An Ethereum L1 as a DA layer. Cheap to clone; clones share one journal.
#[derive(Clone, Debug)]
pub struct EthereumDa {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Arc<EthereumDaConfig>,
    network: String,
    schedule: BlobSchedule,
    reader: Arc<Reader>,
    poster: Option<Poster>,
}

impl EthereumDa {
    /// Reaches the L1, learns its network and blob parameters, and opens the
    /// journal. Nothing is sent; what was open when the last process ended is
    /// looked after with the first [`submit`](DataAvailability::submit).
    pub async fn connect(config: EthereumDaConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        config.check()?;
        let rpc = Arc::new(Endpoints::new(&config.rpc, config.timeout)?);
        let chain_id = rpc.chain_id().await?;
        let genesis = rpc.header(Tag::Number(0)).await?;
        let genesis = genesis.ok_or(Error::BlockPruned {
            endpoint: "the preferred one".into(),
            height: DaHeight(0),
        })?;
        let network = format!("{chain_id}:{}", genesis.value.hash());
        if let Some(expected) = config.network.as_ref().filter(|name| **name != network) {
            return Err(Error::WrongNetwork {
                endpoint: genesis.endpoint,
                expected: expected.clone(),
                found: network,
            });
        }
        // Osaka's own where the node does not tell: smaller than any later one.
        let schedule = rpc.schedule().await?.unwrap_or(BlobSchedule {
            current: BlobParams::osaka(),
            next: None,
        });
        let account = config.signer.as_ref().map(|signer| signer.address());
        let store = Arc::new(Store::open(config.path.as_deref(), &network, account)?);
        let reader = Arc::new(Reader::new(&config, rpc, store, clock)?);
        let config = Arc::new(config);
        let poster = config.signer.clone().map(|signer| {
            let (config, reader) = (Arc::clone(&config), Arc::clone(&reader));
            Poster::new(config, reader, signer, chain_id, schedule)
        });
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                network,
                schedule,
                reader,
                poster,
            }),
        })
    }

    /// The posting account and its balance in wei; `None` for a reader.
    pub async fn account(&self) -> Result<Option<(Address, u128)>, Error> {
        match &self.inner.config.signer {
            Some(signer) => {
                let balance = self.inner.reader.rpc.balance(signer.address()).await?;
                Ok(Some((signer.address(), balance)))
            }
            None => Ok(None),
        }
    }

    /// A proof for contracts that a blob or part of this rollup was published:
    /// the transaction that carries it, by the data root that the anchor has.
    ///
    /// `Rejected` where the block holds nothing of ours at that place.
    pub async fn prove_for_contract(&self, blob: &BlobRef) -> Result<TransactionProof, Error> {
        self.inner.reader.prove_for_contract(blob).await
    }

    /// The L1's blob parameters, now and planned.
    pub fn schedule(&self) -> BlobSchedule {
        self.inner.schedule
    }

    /// Releases the journal for another handle or process. What is under way
    /// is finished; every later call fails.
    pub fn close(&self) {
        self.inner.reader.store.close();
    }
}

impl DataAvailability for EthereumDa {
    type Error = Error;

    fn caps(&self) -> DaCaps {
        let config = &self.inner.config;
        DaCaps {
            layer: "ethereum".into(),
            network: self.inner.network.clone(),
            lanes: vec![DaLane::Batch, DaLane::Forced],
            max_blob_bytes: MAX_PAYLOAD_BYTES as u64,
            max_unit_bytes: config.max_unit_bytes(),
            block_time: config.slot_time,
            finality: DaFinality::Gadget(config.finality),
            retention: Some(config.retention),
        }
    }

    async fn head(&self) -> Result<DaHead, Error> {
        self.inner.reader.head().await
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, Error> {
        let poster = self.inner.poster.as_ref().ok_or(Error::NoSigner)?;
        // A large future: it holds the whole of a posting.
        Box::pin(poster.submit(unit)).await
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, Error> {
        self.inner.reader.fetch(height, hash).await
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, Error> {
        self.inner.reader.prove(blob).await
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), Error> {
        Ok(proof::verify(
            &self.inner.config.inbox,
            self.inner.config.root_rule(),
            header,
            claim,
            proof,
        )?)
    }

    async fn estimate_fee(&self, unit: &PostingUnit) -> Result<Option<Fee>, Error> {
        let poster = self.inner.poster.as_ref().ok_or(Error::NoSigner)?;
        Ok(Some(wei(poster.estimate(unit).await?)))
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, Error> {
        self.inner.reader.facts(height).await
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, Error> {
        self.inner.reader.is_canonical(block).await
    }
}
