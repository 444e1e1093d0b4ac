use crate::sandbox::Sandbox;
use alloy_primitives::B256;
use std::{fmt, time::Duration};

/// Bounds and defaults of the `eth_` methods.
#[derive(Clone)]
pub struct EthConfig {
    /// Most logs that one query answers.
    pub max_logs: usize,
    /// Most blocks that one log query spans.
    pub max_log_blocks: u64,
    /// Most gas that a call or an estimate may use.
    pub call_gas_cap: u64,
    /// How long a call, an estimate, a log query or a proof may take, the wait
    /// for its turn included. What takes longer is stopped.
    pub call_timeout: Duration,
    /// Calls, estimates, log queries and proofs that run at once; more wait.
    pub concurrent_calls: usize,
    /// How many wait; more are refused at once.
    pub max_waiting_calls: usize,
    /// Most slots in one `eth_getProof`.
    pub max_proof_slots: usize,
    /// Most polled filters; beyond, the one unused for longest is forgotten.
    pub max_filters: usize,
    /// Most transactions that `txpool_content` and its like look at.
    pub max_pool_content: usize,
    /// Memory that the record of one traced transaction may take, in bytes,
    /// roughly.
    pub max_trace_bytes: usize,
    /// Most blocks that one `trace_filter` or one page of an Otterscan search
    /// executes again.
    pub max_trace_blocks: u64,
    /// Most blocks in one `eth_feeHistory`.
    pub max_fee_history: u64,
    /// Priority fee that is suggested while blocks have room, in wei.
    pub min_priority_fee: u128,
    /// How long `eth_sendRawTransactionSync` waits unless asked otherwise.
    pub sync_timeout: Duration,
    /// The longest that it may be asked to wait.
    pub max_sync_timeout: Duration,
    /// Secret keys of a development chain: they make `eth_accounts`,
    /// `eth_sendTransaction` and `evm_mine` available. Empty elsewhere.
    pub dev_keys: Vec<B256>,
    /// The sandbox that the node is: makes its methods available, and that of
    /// sending as anybody. `None` elsewhere.
    pub sandbox: Option<Sandbox>,
}

impl Default for EthConfig {
    fn default() -> Self {
        Self {
            max_logs: 20_000,
            max_log_blocks: 100_000,
            call_gas_cap: 50_000_000,
            call_timeout: Duration::from_secs(5),
            concurrent_calls: std::thread::available_parallelism().map_or(2, usize::from),
            max_waiting_calls: 256,
            max_proof_slots: 1_024,
            max_filters: 1_000,
            max_pool_content: 10_000,
            max_trace_bytes: 128 << 20,
            max_trace_blocks: 1_000,
            max_fee_history: 1_024,
            min_priority_fee: 1_000_000,
            sync_timeout: Duration::from_secs(20),
            max_sync_timeout: Duration::from_secs(60),
            dev_keys: Vec::new(),
            sandbox: None,
        }
    }
}

impl fmt::Debug for EthConfig {
    /// Keys are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EthConfig")
            .field("max_logs", &self.max_logs)
            .field("max_log_blocks", &self.max_log_blocks)
            .field("call_gas_cap", &self.call_gas_cap)
            .field("call_timeout", &self.call_timeout)
            .field("concurrent_calls", &self.concurrent_calls)
            .field("max_waiting_calls", &self.max_waiting_calls)
            .field("dev_keys", &self.dev_keys.len())
            .finish_non_exhaustive()
    }
}
