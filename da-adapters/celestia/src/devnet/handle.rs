use super::{
    BlockProduction, DevnetConfig, Fault, Lie, MAX_WIDTH, Withheld, node::Node, rpc::Server,
};
use crate::{CelestiaError, GasPrice};
use alloy_primitives::B256;
use rollwright_core::{Clock, DaHeader};
use std::{net::SocketAddr, ops::RangeInclusive, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

/// A Celestia network in this process.
#[derive(Clone, Copy, Debug)]
pub struct CelestiaDevnet;

impl CelestiaDevnet {
    /// Starts a network, or goes on with the one of the file, and serves its
    /// JSON-RPC over HTTP and WebSocket on `listener`, and there too what a
    /// consensus node's gRPC needs for posting.
    ///
    /// The first block is made before this returns. After a restart chain id,
    /// keys, heights and hashes are the same and the mempool is empty, as on a
    /// real node. Fails where the file holds another network.
    pub async fn start(
        config: DevnetConfig,
        clock: Arc<dyn Clock>,
        listener: TcpListener,
    ) -> Result<DevnetHandle, CelestiaError> {
        if !config.max_width.is_power_of_two() || config.max_width > MAX_WIDTH {
            return Err(CelestiaError::Devnet(format!(
                "the widest square is {}, not a power of two of at most {MAX_WIDTH}",
                config.max_width
            )));
        }
        let address = listener
            .local_addr()
            .map_err(|error| CelestiaError::Devnet(error.to_string()))?;
        let blocks = config.blocks;
        let node = tokio::task::spawn_blocking(move || Node::open(config, clock))
            .await
            .map_err(|error| CelestiaError::Devnet(error.to_string()))??;
        let node = Arc::new(node);
        let stop = watch::Sender::new(false);
        let server = Server::spawn(Arc::clone(&node), listener, stop.subscribe());
        let producer = match blocks {
            BlockProduction::Manual => None,
            BlockProduction::Every(period) => {
                let node = Arc::clone(&node);
                Some(tokio::spawn(async move {
                    loop {
                        node.clock.sleep(period).await;
                        if node.faults.is_halted() {
                            continue;
                        }
                        if let Err(error) = node.mine().await {
                            tracing::error!(target: "celestia-devnet", %error, "no block was made");
                            break;
                        }
                    }
                }))
            }
        };
        Ok(DevnetHandle {
            inner: Arc::new(Inner {
                node,
                address,
                tasks: [
                    Some(server.abort_handle()),
                    producer.as_ref().map(JoinHandle::abort_handle),
                ],
                stop,
                joined: tokio::sync::Mutex::new(producer.into_iter().chain([server]).collect()),
            }),
        })
    }
}

/// A running network. It stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct DevnetHandle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    node: Arc<Node>,
    address: SocketAddr,
    tasks: [Option<AbortHandle>; 2],
    stop: watch::Sender<bool>,
    joined: tokio::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in self.tasks.iter().flatten() {
            task.abort();
        }
    }
}

impl DevnetHandle {
    #[cfg(all(test, feature = "grpc"))]
    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.inner.node
    }

    /// Where HTTP is served, and gRPC beside it.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    /// Where WebSocket is served: the same port.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.inner.address)
    }

    /// The address that pays for blobs.
    pub fn address(&self) -> String {
        self.inner.node.address().to_string()
    }

    /// The newest height.
    pub fn head(&self) -> u64 {
        self.inner.node.head()
    }

    /// Told of each new height.
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.inner.node.heads()
    }

    /// Told how many transactions wait.
    pub fn mempool(&self) -> watch::Receiver<usize> {
        self.inner.node.mempool()
    }

    /// What the account has, in utia.
    pub fn balance(&self) -> u64 {
        self.inner.node.balance()
    }

    /// Hash of a block; `None` where it is not served.
    pub async fn hash(&self, height: u64) -> Result<Option<B256>, CelestiaError> {
        Ok(self.header(height).await?.map(|header| header.hash))
    }

    /// Header facts of a block; `None` where it is not served.
    pub async fn header(&self, height: u64) -> Result<Option<DaHeader>, CelestiaError> {
        let node = Arc::clone(&self.inner.node);
        let block = tokio::task::spawn_blocking(move || node.block(height))
            .await
            .map_err(|error| CelestiaError::Devnet(error.to_string()))??;
        Ok(block
            .map(|block| crate::header::facts(&block.header.header))
            .transpose()?)
    }

    /// Makes this many blocks now, and returns the newest height. They are
    /// durable then. Cancelled, it may have made some of them.
    pub async fn mine(&self, blocks: u64) -> Result<u64, CelestiaError> {
        let mut height = self.head();
        for _ in 0..blocks {
            height = self.inner.node.mine().await?;
        }
        Ok(height)
    }

    /// The next `times` calls of `method`, such as `blob.Submit`, go wrong.
    /// Faults of one method come in the order in which they were added.
    pub fn fault(&self, method: &str, fault: Fault, times: u32) {
        self.inner.node.faults.add(method, fault, times);
    }

    /// From now on the node answers dishonestly, or honestly again.
    pub fn lie(&self, lie: Option<Lie>) {
        self.inner.node.faults.set_lie(lie);
    }

    /// Shares of the blocks at these heights are not given from now on, or
    /// given again. Headers, proofs of other shares and what the rollup reads of
    /// its namespace stay honest, as with a proposer who publishes a block in
    /// part.
    pub fn withhold_shares(&self, shares: Option<(RangeInclusive<u64>, Withheld)>) {
        self.inner.node.faults.withhold_shares(shares);
    }

    /// Ends every fault and lie.
    pub fn clear_faults(&self) {
        self.inner.node.faults.clear();
    }

    /// Whether transactions stay in the mempool; they are evicted at the end
    /// of their lifetime.
    pub fn withhold(&self, withheld: bool) {
        self.inner.node.faults.withhold(withheld);
    }

    /// Whether no blocks are made by time.
    pub fn halt(&self, halted: bool) {
        self.inner.node.faults.halt(halted);
    }

    /// The lowest price from now on.
    pub fn set_min_gas_price(&self, price: GasPrice) {
        self.inner.node.set_min_gas_price(price);
    }

    /// The largest transaction from now on.
    pub fn set_max_tx_bytes(&self, bytes: u64) {
        self.inner.node.set_max_tx_bytes(bytes);
    }

    /// Gives an account, such as `celestia1…`, this balance; it exists from then
    /// on and may post over gRPC.
    pub fn fund(&self, address: &str, utia: u64) -> Result<(), CelestiaError> {
        let address = address
            .parse()
            .map_err(|_| CelestiaError::Devnet(format!("`{address}` is no address")))?;
        self.inner.node.fund(&address, utia)
    }

    /// What an account has: its next sequence and its balance in utia; `None`
    /// where it never received anything.
    pub fn account(&self, address: &str) -> Option<(u64, u64)> {
        let account = self.inner.node.account(&address.parse().ok()?)?;
        Some((account.sequence, account.balance))
    }

    /// The next transaction that comes over gRPC fails in its block with this
    /// code; its blobs stand there all the same, as on Celestia.
    pub fn fail_next(&self, code: u32) {
        self.inner.node.fail_next(code);
    }

    /// Loses everything that waits, without a trace.
    pub fn forget_mempool(&self) {
        self.inner.node.forget_mempool();
    }

    /// What the account has from now on.
    pub fn set_balance(&self, utia: u64) -> Result<(), CelestiaError> {
        self.inner.node.set_balance(utia)
    }

    /// Forgets all blocks below a height.
    pub fn prune(&self, below: u64) -> Result<(), CelestiaError> {
        self.inner.node.prune(below)
    }

    /// Stops the network and releases port and file before it returns.
    pub async fn stop(self) {
        self.inner.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.inner.joined.lock().await);
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        // Calls that are still being answered hold the node.
        let node = Arc::clone(&self.inner.node);
        let _ = tokio::task::spawn_blocking(move || node.close()).await;
    }
}
