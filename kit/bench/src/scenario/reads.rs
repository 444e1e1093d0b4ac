use super::{Bench, run::create_token};
use crate::{
    accounts::{Payload, Senders},
    http::{self, request},
    load::{Load, Pace},
    node::{BlockTime, Kind, Node},
    report::{Report, Table},
    stats::Spread,
    token, watch,
};
use alloy_primitives::{Address, B256};
use anyhow::{Context, Result, ensure};
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Blocks that the log query spans.
const LOG_BLOCKS: u64 = 101;
/// Transactions in the block that is read in full.
const FULL_BLOCK: usize = 50;
const ACCOUNTS: u32 = 100;
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Serialize)]
struct Round {
    node: Kind,
    method: &'static str,
    cpu_us: f64,
    per_second: f64,
    answer_bytes: usize,
}

/// Every method on every node, in turns.
pub(super) async fn run(
    bench: &Bench,
    each: Duration,
    only: &str,
    report: &mut Report,
) -> Result<()> {
    let mut rounds = Vec::new();
    for turn in 0..bench.rounds {
        let mut kinds = bench.programs.kinds();
        if turn % 2 == 1 {
            kinds.reverse();
        }
        for kind in kinds {
            let folder = tempfile::tempdir()?;
            let on_demand = BlockTime::OnDemand;
            let node =
                Node::start(&bench.programs, kind, on_demand, ACCOUNTS, folder.path()).await?;
            let requests = requests(&node).await?.into_iter();
            for (method, body) in requests.filter(|(method, _)| method.contains(only)) {
                let round = repeat(&node, method, body, bench.connections, each).await?;
                report.record(&round)?;
                rounds.push(round);
            }
            node.stop().await?;
        }
    }
    report.tables.push(table(&rounds, bench));
    Ok(())
}

fn table(rounds: &[Round], bench: &Bench) -> Table {
    let mut table = Table::new(
        format!(
            "Reads: CPU of the node in µs a request, {} connections; median (least–most)",
            bench.connections
        ),
        &["method", "rollwright", "anvil", "ratio", "answer bytes"],
    );
    let mut methods: Vec<&str> = Vec::new();
    for round in rounds {
        if !methods.contains(&round.method) {
            methods.push(round.method);
        }
    }
    for method in methods {
        let of = |kind| {
            let found = rounds
                .iter()
                .filter(move |round| round.node == kind && round.method == method);
            Spread::of(found.map(|round| round.cpu_us))
        };
        let text = |spread: Option<Spread>| {
            spread.map_or(String::new(), |spread| {
                format!(
                    "{:.0} ({:.0}–{:.0})",
                    spread.median, spread.least, spread.most
                )
            })
        };
        let (own, peer) = (of(Kind::Rollwright), of(Kind::Anvil));
        let ratio = own.zip(peer).map(|(own, peer)| own.median / peer.median);
        let mut bytes = BTreeMap::new();
        for round in rounds.iter().filter(|round| round.method == method) {
            bytes.insert(round.node.to_string(), round.answer_bytes);
        }
        let bytes: Vec<_> = bytes
            .iter()
            .rev()
            .map(|(node, bytes)| format!("{node} {bytes}"))
            .collect();
        table.row([
            method.to_owned(),
            text(own),
            text(peer),
            ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
            bytes.join(", "),
        ]);
    }
    table
}

/// The same request again and again on every connection.
async fn repeat(
    node: &Node,
    method: &'static str,
    body: Bytes,
    connections: usize,
    each: Duration,
) -> Result<Round> {
    let mut probe = node.connect().await?;
    let answer = probe.post(body.clone()).await?;
    ensure!(
        http::errors(&answer) == 0,
        "{}: {method}: {}",
        node.kind(),
        String::from_utf8_lossy(&answer)
    );
    let before = node.usage()?.cpu;
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let mut connection = node.connect().await?;
        let body = body.clone();
        running.spawn(async move {
            let mut answered = 0_u64;
            while begin.elapsed() < each {
                connection.post(body.clone()).await?;
                answered += 1;
            }
            anyhow::Ok(answered)
        });
    }
    let mut answered = 0;
    while let Some(lane) = running.join_next().await {
        answered += lane??;
    }
    let took = begin.elapsed();
    let cpu = node.usage()?.cpu.saturating_sub(before);
    Ok(Round {
        node: node.kind(),
        method,
        cpu_us: cpu.as_secs_f64() * 1e6 / answered.max(1) as f64,
        per_second: answered as f64 / took.as_secs_f64(),
        answer_bytes: answer.len(),
    })
}

/// Makes a chain with something to read, and the bodies that read it.
async fn requests(node: &Node) -> Result<Vec<(&'static str, Bytes)>> {
    let mut senders = Senders::new(ACCOUNTS)?;
    let addresses = senders.addresses();
    let (holder, from) = (addresses[1], addresses[2]);
    let full = full_block(node, &mut senders).await?;
    let token = create_token(node, &mut senders).await?;
    let (last, hash) = logs(node, &mut senders, token).await?;

    let to = json!(token);
    let transfer = token::transfer(Address::repeat_byte(7), alloy_primitives::U256::from(1));
    let range = json!({
        "address": token,
        "fromBlock": format!("{:#x}", last + 1 - LOG_BLOCKS),
        "toBlock": format!("{last:#x}"),
    });
    let call = |method: &'static str, params: Value| request(method, &params);
    Ok(vec![
        ("block number", call("eth_blockNumber", json!([]))),
        ("chain id", call("eth_chainId", json!([]))),
        ("gas price", call("eth_gasPrice", json!([]))),
        ("balance", call("eth_getBalance", json!([holder, "latest"]))),
        (
            "nonce",
            call("eth_getTransactionCount", json!([holder, "latest"])),
        ),
        (
            "ERC-20 balanceOf call",
            call(
                "eth_call",
                json!([{"to": to, "data": token::balance_of(holder)}, "latest"]),
            ),
        ),
        (
            "gas estimate of a token transfer",
            call(
                "eth_estimateGas",
                json!([{"from": from, "to": to, "data": transfer}]),
            ),
        ),
        ("receipt", call("eth_getTransactionReceipt", json!([hash]))),
        (
            "transaction",
            call("eth_getTransactionByHash", json!([hash])),
        ),
        (
            "block with hashes",
            call("eth_getBlockByNumber", json!([format!("{full:#x}"), false])),
        ),
        (
            "full block of 50 transfers",
            call("eth_getBlockByNumber", json!([format!("{full:#x}"), true])),
        ),
        ("logs over 101 blocks", call("eth_getLogs", json!([range]))),
        (
            "trace of a token transfer",
            call("debug_traceTransaction", json!([hash])),
        ),
        (
            "call trace of a token transfer",
            call(
                "debug_traceTransaction",
                json!([hash, {"tracer": "callTracer"}]),
            ),
        ),
    ])
}

/// A block of [`FULL_BLOCK`] transfers of one account: they wait behind a gap
/// that the last one to arrive fills.
async fn full_block(node: &Node, senders: &mut Senders) -> Result<u64> {
    let turns = senders.sign(FULL_BLOCK * ACCOUNTS as usize, Payload::Transfer)?;
    let of_one: Vec<_> = turns.into_iter().step_by(ACCOUNTS as usize).collect();
    *senders = senders.from_nonce(0, FULL_BLOCK as u64);
    let watching = watch::start(node, &of_one, PATIENCE).await?;
    let mut connection = node.connect().await?;
    for transaction in of_one[1..].iter().chain(&of_one[..1]) {
        let params = json!([transaction.bytes]);
        connection.call("eth_sendRawTransaction", params).await?;
    }
    let seen = watching.await??;
    ensure!(
        seen.included() == FULL_BLOCK && seen.blocks == 1,
        "{}: {} transfers came into {} blocks",
        node.kind(),
        seen.included(),
        seen.blocks
    );
    Ok(seen.last_block)
}

/// Token transfers, one a block. The last block, and the last transaction.
async fn logs(node: &Node, senders: &mut Senders, token: Address) -> Result<(u64, B256)> {
    let transactions = senders.sign(LOG_BLOCKS as usize + 9, Payload::Token(token))?;
    let pace = Pace {
        connections: 1,
        batch: 1,
        rate: Some(50),
    };
    let watching = watch::start(node, &transactions, PATIENCE).await?;
    let load = Load::new(&transactions, ACCOUNTS as usize, pace);
    let sent = load.send(node.address()).await?;
    let seen = watching.await??;
    ensure!(
        seen.included() == transactions.len(),
        "{}: token transfers are missing: {:?}",
        node.kind(),
        sent.example
    );
    let last = transactions.last().context("transactions")?;
    Ok((seen.last_block, last.hash))
}
