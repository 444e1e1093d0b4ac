//! The methods that are called, with an example of their parameters each, and
//! words of parameters.

use super::port;
use crate::{evm, seeds};
use alloy_primitives::keccak256;
use rollwright_evm::rpc::sandbox_methods;
use std::{collections::BTreeMap, sync::OnceLock};

pub(super) const WORDS: &[&[u8]] = &[
    b"\"jsonrpc\":\"2.0\"",
    b"\"method\":",
    b"\"params\":",
    b"\"id\":",
    b"null",
    b"\"latest\"",
    b"\"pending\"",
    b"\"earliest\"",
    b"\"safe\"",
    b"\"finalized\"",
    b"\"0x0\"",
    b"\"0x6\"",
    b"\"0x\"",
    b"\"blockHash\":",
    b"\"requireCanonical\":true",
    b"\"fromBlock\":",
    b"\"toBlock\":",
    b"\"address\":",
    b"\"topics\":",
    b"\"from\":",
    b"\"to\":",
    b"\"gas\":",
    b"\"data\":",
    b"\"input\":",
    b"\"value\":",
    b"\"stateOverrides\":",
    b"\"balance\":",
    b"\"nonce\":",
    b"\"code\":",
    b"\"state\":",
    b"\"stateDiff\":",
    b"\"maxFeePerGas\":",
    b"\"accessList\":[]",
    b"\"authorizationList\":[]",
    b"true",
    b"false",
    b"1e999",
    b"\"newHeads\"",
    b"\"logs\"",
    b"\"eth_subscribe\"",
    b"\"eth_unsubscribe\"",
    b"\"eth_call\"",
    b"\"eth_getLogs\"",
    b"\\ud800",
    b"[",
    b"]",
    b"{",
    b"}",
    b"0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    b"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
];

pub(super) const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// A method to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcMethod {
    /// Its name.
    pub name: &'static str,
    /// Parameters that it takes, as JSON.
    pub params: String,
    /// Answered by sandboxes alone.
    pub in_sandbox: bool,
    /// True where the example is answered by a result.
    pub succeeds: bool,
}

/// Every method that a node or a sandbox answers, ascending.
///
/// The names are those that servers have; panics where the table of examples knows no
/// parameters for one, or knows a method that none has.
pub fn methods() -> &'static [RpcMethod] {
    static METHODS: OnceLock<Vec<RpcMethod>> = OnceLock::new();
    METHODS.get_or_init(|| {
        let only_there: Vec<_> = sandbox_methods().collect();
        let mut examples: BTreeMap<_, _> = EXAMPLES.iter().map(|one| (one.0, one)).collect();
        let mut names = port::chain().methods.clone();
        names.extend(&port::sandbox().methods);
        names.sort_unstable();
        names.dedup();
        let named = |name: &&'static str| {
            let example = examples.remove(name);
            let (_, params, succeeds) =
                *example.unwrap_or_else(|| panic!("write an example of the parameters of {name}"));
            RpcMethod {
                name,
                params: filled(params),
                in_sandbox: only_there.contains(name),
                succeeds,
            }
        };
        let methods = names.iter().map(named).collect();
        assert!(examples.is_empty(), "no server has {examples:?}");
        methods
    })
}

/// The method that a line names, or one that its bytes choose.
pub(super) fn place(line: &[u8]) -> &'static RpcMethod {
    let methods = methods();
    let named = methods.iter().find(|method| method.name.as_bytes() == line);
    named.unwrap_or_else(|| {
        let sum: usize = line.iter().map(|byte| usize::from(*byte)).sum();
        &methods[sum % methods.len()]
    })
}

/// An example with the names of the chain's own things in place.
fn filled(params: &str) -> String {
    let chain = evm::chain();
    // The third block's second transaction.
    let tx = seeds::write(5, 2, 2);
    [
        ("%account%", ADDRESS.to_owned()),
        ("%writer%", format!("{:#x}", seeds::WRITER)),
        ("%block%", chain.block(3).hash.to_string()),
        ("%tx%", keccak256(&tx).to_string()),
        ("%raw%", seeds::transfer(12).to_string()),
        ("%zero%", alloy_primitives::B256::ZERO.to_string()),
    ]
    .iter()
    .fold(params.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    })
}

/// Name, parameters, and whether they are answered by a result.
const EXAMPLES: &[(&str, &str, bool)] = &[
    ("anvil_autoImpersonateAccount", r#"[true]"#, true),
    ("anvil_dropTransaction", r#"["%tx%"]"#, true),
    ("anvil_getAutomine", "[]", true),
    ("anvil_impersonateAccount", r#"["%writer%"]"#, true),
    ("anvil_increaseTime", r#"[60]"#, true),
    ("anvil_mine", r#"["0x2","0x3"]"#, true),
    ("anvil_reset", "[]", true),
    ("anvil_revert", r#"["0x1"]"#, true),
    ("anvil_setAutoMine", r#"[false]"#, true),
    ("anvil_setBalance", r#"["%account%","0x100"]"#, true),
    ("anvil_setCode", r#"["%writer%","0x6001"]"#, true),
    ("anvil_setCoinbase", r#"["%account%"]"#, true),
    ("anvil_setIntervalMining", r#"[0]"#, true),
    ("anvil_setNextBlockTimestamp", r#"["0xf4865700"]"#, true),
    ("anvil_setNonce", r#"["%account%","0x9"]"#, true),
    ("anvil_setStorageAt", r#"["%writer%","0x1","%zero%"]"#, true),
    ("anvil_snapshot", "[]", true),
    ("anvil_stopImpersonatingAccount", r#"["%writer%"]"#, true),
    ("debug_executionWitness", r#"["0x3"]"#, true),
    ("debug_getRawBlock", r#"["0x3"]"#, true),
    ("debug_getRawHeader", r#"["latest"]"#, true),
    ("debug_getRawReceipts", r#"["0x3"]"#, true),
    ("debug_getRawTransaction", r#"["%tx%"]"#, true),
    (
        "debug_traceBlockByHash",
        r#"["%block%",{"tracer":"callTracer","tracerConfig":{"withLog":true}}]"#,
        true,
    ),
    (
        "debug_traceBlockByNumber",
        r#"["0x3",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}]"#,
        true,
    ),
    (
        "debug_traceCall",
        r#"[{"from":"%account%","to":"%writer%","data":"0x0000000000000000000000000000000000000000000000000000000000000001"},"latest",{"enableMemory":true,"enableReturnData":true,"disableStorage":false,"limit":100,"stateOverrides":{"%account%":{"balance":"0xde0b6b3a7640000","nonce":"0x9","stateDiff":{"%zero%":"%zero%"}},"%writer%":{"code":"0x60205ff3","state":{}}},"blockOverrides":{"number":"0x9","time":"0x77777777","gasLimit":"0x1000000","feeRecipient":"%account%","prevRandao":"%zero%","baseFeePerGas":"0x1","blobBaseFee":"0x1"},"txIndex":"0x0"}]"#,
        true,
    ),
    (
        "debug_traceTransaction",
        r#"["%tx%",{"tracer":"muxTracer","tracerConfig":{"callTracer":{"onlyTopCall":true},"4byteTracer":null}}]"#,
        true,
    ),
    ("erigon_getHeaderByNumber", r#"["0x3"]"#, true),
    ("eth_accounts", "[]", true),
    ("eth_baseFee", "[]", true),
    ("eth_blobBaseFee", "[]", true),
    ("eth_blockNumber", "[]", true),
    (
        "eth_call",
        r#"[{"from":"%account%","to":"%writer%","data":"0x0000000000000000000000000000000000000000000000000000000000000001"},"latest",{"%account%":{"balance":"0xde0b6b3a7640000","nonce":"0x9","stateDiff":{"%zero%":"%zero%"}},"%writer%":{"code":"0x60205ff3","state":{}}},{"number":"0x9","time":"0x77777777","gasLimit":"0x1000000","feeRecipient":"%account%","prevRandao":"%zero%","baseFeePerGas":"0x1","blobBaseFee":"0x1"}]"#,
        true,
    ),
    ("eth_capabilities", "[]", true),
    ("eth_chainId", "[]", true),
    ("eth_coinbase", "[]", true),
    ("eth_config", "[]", true),
    (
        "eth_createAccessList",
        r#"[{"from":"%account%","to":"%writer%","gas":"0x20000","maxFeePerGas":"0x4a817c800","maxPriorityFeePerGas":"0x1","value":"0x0","input":"0x","accessList":[{"address":"%writer%","storageKeys":["%zero%"]}],"chainId":"0xa455","nonce":"0xc"},"0x3",{"%account%":{"balance":"0xde0b6b3a7640000","nonce":"0x9","stateDiff":{"%zero%":"%zero%"}},"%writer%":{"code":"0x60205ff3","state":{}}}]"#,
        true,
    ),
    (
        "eth_estimateGas",
        r#"[{"from":"%account%","to":"%writer%","gas":"0x20000","maxFeePerGas":"0x4a817c800","maxPriorityFeePerGas":"0x1","value":"0x0","input":"0x","accessList":[{"address":"%writer%","storageKeys":["%zero%"]}],"chainId":"0xa455","nonce":"0xc"},"latest",{"%account%":{"balance":"0xde0b6b3a7640000","nonce":"0x9","stateDiff":{"%zero%":"%zero%"}},"%writer%":{"code":"0x60205ff3","state":{}}},{"number":"0x9","time":"0x77777777","gasLimit":"0x1000000","feeRecipient":"%account%","prevRandao":"%zero%","baseFeePerGas":"0x1","blobBaseFee":"0x1"}]"#,
        true,
    ),
    ("eth_feeHistory", r#"["0x4","latest",[25,50.5,75]]"#, true),
    (
        "eth_fillTransaction",
        r#"[{"from":"%account%","to":"%writer%","gas":"0x20000","maxFeePerGas":"0x4a817c800","maxPriorityFeePerGas":"0x1","value":"0x0","input":"0x","accessList":[{"address":"%writer%","storageKeys":["%zero%"]}],"chainId":"0xa455","nonce":"0xc"}]"#,
        true,
    ),
    ("eth_gasPrice", "[]", true),
    (
        "eth_getBalance",
        r#"["%account%",{"blockNumber":"0x6"}]"#,
        true,
    ),
    ("eth_getBlockByHash", r#"["%block%",false]"#, true),
    ("eth_getBlockByNumber", r#"["0x3",true]"#, true),
    (
        "eth_getBlockReceipts",
        r#"[{"blockHash":"%block%","requireCanonical":true}]"#,
        true,
    ),
    ("eth_getBlockTransactionCountByHash", r#"["%block%"]"#, true),
    (
        "eth_getBlockTransactionCountByNumber",
        r#"["earliest"]"#,
        true,
    ),
    ("eth_getCode", r#"["%writer%","latest"]"#, true),
    ("eth_getFilterChanges", r#"["0x1"]"#, false),
    ("eth_getFilterLogs", r#"["0x1"]"#, false),
    (
        "eth_getLogs",
        r#"[{"fromBlock":"0x0","toBlock":"latest","address":["%writer%"],"topics":[null,["%zero%"]]}]"#,
        true,
    ),
    (
        "eth_getProof",
        r#"["%writer%",["0x0","%zero%"],"latest"]"#,
        true,
    ),
    ("eth_getRawTransactionByHash", r#"["%tx%"]"#, true),
    ("eth_getStorageAt", r#"["%writer%","0x1","latest"]"#, true),
    (
        "eth_getStorageValues",
        r#"[{"%writer%":["0x1"]},"latest"]"#,
        true,
    ),
    (
        "eth_getTransactionByBlockHashAndIndex",
        r#"["%block%","0x0"]"#,
        true,
    ),
    (
        "eth_getTransactionByBlockNumberAndIndex",
        r#"["latest","0x1"]"#,
        true,
    ),
    ("eth_getTransactionByHash", r#"["%tx%"]"#, true),
    (
        "eth_getTransactionCount",
        r#"["%account%","pending"]"#,
        true,
    ),
    ("eth_getTransactionReceipt", r#"["%tx%"]"#, true),
    (
        "eth_getUncleByBlockHashAndIndex",
        r#"["%block%","0x0"]"#,
        true,
    ),
    (
        "eth_getUncleByBlockNumberAndIndex",
        r#"["0x1","0x0"]"#,
        true,
    ),
    ("eth_getUncleCountByBlockHash", r#"["%block%"]"#, true),
    ("eth_getUncleCountByBlockNumber", r#"["0x1"]"#, true),
    ("eth_maxPriorityFeePerGas", "[]", true),
    ("eth_newBlockFilter", "[]", true),
    (
        "eth_newFilter",
        r#"[{"fromBlock":"0x1","address":"%writer%"}]"#,
        true,
    ),
    ("eth_newPendingTransactionFilter", r#"[true]"#, true),
    ("eth_sendRawTransaction", r#"["%raw%"]"#, true),
    ("eth_sendRawTransactionSync", r#"["%raw%","0x1"]"#, false),
    (
        "eth_sendTransaction",
        r#"[{"from":"%account%","to":"%writer%","gas":"0x20000","maxFeePerGas":"0x4a817c800","maxPriorityFeePerGas":"0x1","value":"0x0","input":"0x","accessList":[{"address":"%writer%","storageKeys":["%zero%"]}],"chainId":"0xa455","nonce":"0xc"}]"#,
        true,
    ),
    ("eth_sign", r#"["%account%","0x1234"]"#, true),
    (
        "eth_signTransaction",
        r#"[{"from":"%account%","to":"%writer%","gas":"0x20000","maxFeePerGas":"0x4a817c800","maxPriorityFeePerGas":"0x1","value":"0x0","input":"0x","accessList":[{"address":"%writer%","storageKeys":["%zero%"]}],"chainId":"0xa455","nonce":"0xc"}]"#,
        true,
    ),
    (
        "eth_signTypedData",
        r#"["%account%",{"types":{"EIP712Domain":[{"name":"name","type":"string"}],"Mail":[{"name":"to","type":"address"},{"name":"n","type":"uint256"}]},"primaryType":"Mail","domain":{"name":"a"},"message":{"to":"%account%","n":"1"}}]"#,
        true,
    ),
    (
        "eth_signTypedData_v4",
        r#"["%account%",{"types":{"EIP712Domain":[{"name":"name","type":"string"}],"Mail":[{"name":"to","type":"address"},{"name":"n","type":"uint256"}]},"primaryType":"Mail","domain":{"name":"a"},"message":{"to":"%account%","n":"1"}}]"#,
        true,
    ),
    (
        "eth_simulateV1",
        r#"[{"blockStateCalls":[{"blockOverrides":{"number":"0x9","time":"0x77777777","gasLimit":"0x1000000","feeRecipient":"%account%","prevRandao":"%zero%","baseFeePerGas":"0x1","withdrawals":[{"index":"0x0","validatorIndex":"0x0","address":"%account%","amount":"0x1"}]},"stateOverrides":{"%account%":{"balance":"0xde0b6b3a7640000","nonce":"0x9","stateDiff":{"%zero%":"%zero%"}},"%writer%":{"code":"0x60205ff3","state":{}}},"calls":[{"from":"%account%","to":"%writer%","data":"0x0000000000000000000000000000000000000000000000000000000000000001"}]}],"traceTransfers":true,"validation":false,"returnFullTransactions":true},"latest"]"#,
        true,
    ),
    (
        "eth_subscribe",
        r#"["logs",{"address":"%writer%","topics":[]}]"#,
        false,
    ),
    ("eth_syncing", "[]", true),
    ("eth_uninstallFilter", r#"["0x1"]"#, true),
    ("eth_unsubscribe", r#"["0x1"]"#, false),
    ("evm_increaseTime", r#"[60]"#, true),
    ("evm_mine", r#"[{"timestamp":4102444800,"blocks":2}]"#, true),
    ("evm_revert", r#"["0x1"]"#, true),
    ("evm_setAutomine", r#"[false]"#, true),
    ("evm_setIntervalMining", r#"[0]"#, true),
    ("evm_setNextBlockTimestamp", r#"["0xf4865700"]"#, true),
    ("evm_snapshot", "[]", true),
    ("hardhat_dropTransaction", r#"["%tx%"]"#, true),
    ("hardhat_getAutomine", "[]", true),
    ("hardhat_impersonateAccount", r#"["%writer%"]"#, true),
    ("hardhat_mine", r#"["0x2","0x3"]"#, true),
    ("hardhat_reset", "[]", true),
    ("hardhat_setBalance", r#"["%account%","0x100"]"#, true),
    ("hardhat_setCode", r#"["%writer%","0x6001"]"#, true),
    ("hardhat_setCoinbase", r#"["%account%"]"#, true),
    ("hardhat_setNonce", r#"["%account%","0x9"]"#, true),
    (
        "hardhat_setStorageAt",
        r#"["%writer%","0x1","%zero%"]"#,
        true,
    ),
    ("hardhat_stopImpersonatingAccount", r#"["%writer%"]"#, true),
    ("net_listening", "[]", true),
    ("net_peerCount", "[]", true),
    ("net_version", "[]", true),
    ("ots_getApiLevel", "[]", true),
    ("ots_getBlockDetails", r#"["0x3"]"#, true),
    ("ots_getBlockDetailsByHash", r#"["%block%"]"#, true),
    ("ots_getBlockTransactions", r#"["0x3",0,25]"#, true),
    ("ots_getContractCreator", r#"["%writer%"]"#, true),
    ("ots_getInternalOperations", r#"["%tx%"]"#, true),
    (
        "ots_getTransactionBySenderAndNonce",
        r#"["%account%",5]"#,
        true,
    ),
    ("ots_getTransactionError", r#"["%tx%"]"#, true),
    ("ots_hasCode", r#"["%writer%","latest"]"#, true),
    ("ots_searchTransactionsAfter", r#"["%account%",0,25]"#, true),
    (
        "ots_searchTransactionsBefore",
        r#"["%account%",0,25]"#,
        true,
    ),
    ("ots_traceTransaction", r#"["%tx%"]"#, true),
    ("personal_sign", r#"["0x1234","%account%"]"#, true),
    ("rollwright_anchor", r#"["0x1"]"#, true),
    ("rollwright_getBatchByBlock", r#"[1]"#, true),
    ("rollwright_heads", "[]", true),
    ("rollwright_status", "[]", true),
    ("rpc_methods", "[]", true),
    ("rpc_modules", "[]", true),
    ("trace_block", r#"["0x3"]"#, true),
    (
        "trace_call",
        r#"[{"from":"%account%","to":"%writer%","data":"0x0000000000000000000000000000000000000000000000000000000000000001"},["trace","vmTrace","stateDiff"],"latest",{"%account%":{"balance":"0xde0b6b3a7640000","nonce":"0x9","stateDiff":{"%zero%":"%zero%"}},"%writer%":{"code":"0x60205ff3","state":{}}},{"number":"0x9","time":"0x77777777","gasLimit":"0x1000000","feeRecipient":"%account%","prevRandao":"%zero%","baseFeePerGas":"0x1","blobBaseFee":"0x1"}]"#,
        true,
    ),
    (
        "trace_filter",
        r#"[{"fromBlock":"0x1","toBlock":"0x3","fromAddress":["%account%"],"toAddress":["%writer%"],"mode":"union","after":0,"count":2}]"#,
        true,
    ),
    (
        "trace_replayBlockTransactions",
        r#"["0x3",["trace"]]"#,
        true,
    ),
    ("trace_replayTransaction", r#"["%tx%",["stateDiff"]]"#, true),
    ("trace_transaction", r#"["%tx%"]"#, true),
    ("txpool_content", "[]", true),
    ("txpool_contentFrom", r#"["%account%"]"#, true),
    ("txpool_inspect", "[]", true),
    ("txpool_status", "[]", true),
    ("web3_clientVersion", "[]", true),
    ("web3_sha3", r#"["0x1234"]"#, true),
    ("anvil_addBalance", r#"["%account%","0x1"]"#, true),
    ("anvil_dropAllTransactions", "[]", true),
    ("anvil_removeBlockTimestampInterval", "[]", true),
    ("anvil_setBlockGasLimit", r#"["0x1c9c380"]"#, true),
    ("anvil_setBlockTimestampInterval", r#"[5]"#, true),
    ("anvil_setLoggingEnabled", r#"[true]"#, true),
    ("anvil_setNextBlockBaseFeePerGas", r#"["0x7"]"#, true),
    ("anvil_setTime", r#"[4102444800]"#, true),
    ("evm_setAccountBalance", r#"["%account%","0x100"]"#, true),
    ("evm_setAccountCode", r#"["%writer%","0x6001"]"#, true),
    ("evm_setAccountNonce", r#"["%account%","0x9"]"#, true),
    (
        "evm_setAccountStorageAt",
        r#"["%writer%","0x1","%zero%"]"#,
        true,
    ),
    ("evm_setBlockGasLimit", r#"["0x1c9c380"]"#, true),
    ("evm_setTime", r#"[4102444800]"#, true),
    ("hardhat_removeBlockTimestampInterval", "[]", true),
    ("hardhat_setBlockTimestampInterval", r#"[5]"#, true),
    ("hardhat_setLoggingEnabled", r#"[true]"#, true),
    ("hardhat_setNextBlockBaseFeePerGas", r#"["0x7"]"#, true),
    ("hardhat_setPrevRandao", r#"["%zero%"]"#, true),
    (
        "eth_sendUnsignedTransaction",
        r#"[{"from":"%writer%","to":"%account%","gas":"0x20000","maxFeePerGas":"0x0","maxPriorityFeePerGas":"0x0"}]"#,
        true,
    ),
];
