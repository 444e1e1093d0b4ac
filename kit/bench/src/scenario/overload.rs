use super::Bench;
use crate::{
    accounts::{Payload, Senders},
    http::{self, Connection, request},
    load::{Load, Pace},
    node::{BlockTime, Kind, Node},
    report::{Report, Table},
    stats::percentile,
    token,
    usage::{Usage, open_files},
};
use alloy_primitives::Address;
use anyhow::{Result, ensure};
use futures_util::SinkExt;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

const ACCOUNTS: u32 = 100;
/// A canary's answer that takes longer counts as missing.
const DEAF: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Serialize)]
struct Phase {
    name: String,
    canaries: usize,
    missing: usize,
    p50_ms: f64,
    p99_ms: f64,
    blocks: u64,
    cpu_share: f64,
    rss_mib: f64,
    files: usize,
    note: String,
}

/// One node under one kind of abuse after the other; a well-behaved client
/// asks for the block number all the while.
pub(super) async fn run(
    bench: &Bench,
    clients: usize,
    time: Duration,
    report: &mut Report,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let every = BlockTime::Every(1_000);
    let kind = Kind::Rollwright;
    let node = Node::start(&bench.programs, kind, every, ACCOUNTS, folder.path()).await?;
    let mut senders = Senders::new(ACCOUNTS)?;
    let token = super::run::create_token(&node, &mut senders).await?;
    // A good client sends a little all the time; its lanes are prepared.
    let mut phases = Vec::new();
    for abuse in Abuse::ALL {
        let transactions = senders.sign(
            usize::try_from(time.as_secs())?.max(1) * 100,
            Payload::Transfer,
        )?;
        let pace = Pace {
            connections: 4,
            batch: 1,
            rate: Some(100),
        };
        let load = Load::new(&transactions, ACCOUNTS as usize, pace);
        let phase = phase(&node, abuse, clients, time, token, load).await?;
        report.record(&phase)?;
        phases.push(phase);
    }
    node.stop().await?;
    let mut table = Table::new(
        format!(
            "Overload: {clients} clients, {} s each, beside 100 transfers a second; canary: eth_blockNumber",
            time.as_secs()
        ),
        &[
            "abuse",
            "canary p50 ms",
            "p99 ms",
            "missing",
            "blocks",
            "CPU cores",
            "RSS MiB",
            "files",
            "what the abusers saw",
        ],
    );
    for phase in &phases {
        table.row([
            phase.name.clone(),
            format!("{:.1}", phase.p50_ms),
            format!("{:.1}", phase.p99_ms),
            format!("{}/{}", phase.missing, phase.canaries),
            phase.blocks.to_string(),
            format!("{:.2}", phase.cpu_share),
            format!("{:.0}", phase.rss_mib),
            phase.files.to_string(),
            phase.note.clone(),
        ]);
    }
    report.tables.push(table);
    for phase in &phases {
        ensure!(phase.missing == 0, "{}: the node was deaf", phase.name);
        ensure!(phase.blocks > 0, "{}: no block was made", phase.name);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Abuse {
    Nothing,
    IdleConnections,
    IdleSockets,
    DeafSubscribers,
    SlowWriters,
    HugeBatches,
    SpinningCalls,
    WideLogQueries,
    Afterwards,
}

impl Abuse {
    const ALL: [Self; 9] = [
        Self::Nothing,
        Self::IdleConnections,
        Self::IdleSockets,
        Self::DeafSubscribers,
        Self::SlowWriters,
        Self::HugeBatches,
        Self::SpinningCalls,
        Self::WideLogQueries,
        Self::Afterwards,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::IdleConnections => "idle HTTP connections",
            Self::IdleSockets => "idle WebSockets",
            Self::DeafSubscribers => "subscribers that do not read",
            Self::SlowWriters => "requests that never end",
            Self::HugeBatches => "batches of 1,001 calls",
            Self::SpinningCalls => "eth_call without end",
            Self::WideLogQueries => "eth_getLogs over all blocks",
            Self::Afterwards => "none, afterwards",
        }
    }

    /// One abuser, until `end`: how many answers, refusals and cut connections
    /// it saw.
    async fn run(self, address: SocketAddr, end: Instant, token: Address) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            match timeout(left, self.once(address, token, &mut tally)).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(_)) => {
                    tally.cut += 1;
                    // A client that is refused tries again, not at once.
                    tokio::time::sleep(left.min(Duration::from_millis(500))).await;
                }
            }
        }
        tally
    }

    async fn once(self, address: SocketAddr, token: Address, tally: &mut Tally) -> Result<()> {
        match self {
            Self::Nothing | Self::Afterwards => std::future::pending().await,
            Self::IdleConnections => {
                let mut connection = Connection::open(address).await?;
                tally
                    .ask(&mut connection, request("eth_chainId", &json!([])))
                    .await?;
                std::future::pending().await
            }
            Self::IdleSockets => {
                let (socket, _) = connect_async(format!("ws://{address}/")).await?;
                let _open = socket;
                std::future::pending().await
            }
            Self::DeafSubscribers => deaf(address).await,
            Self::SlowWriters => {
                let mut stream = TcpStream::connect(address).await?;
                stream
                    .write_all(b"POST / HTTP/1.1\r\nhost: x\r\nx: ")
                    .await?;
                loop {
                    stream.write_all(b"a").await?;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
            Self::HugeBatches => {
                let call = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"});
                let body: Bytes = Value::from(vec![call; 1_001]).to_string().into();
                let mut connection = Connection::open(address).await?;
                loop {
                    tally.ask(&mut connection, body.clone()).await?;
                }
            }
            Self::SpinningCalls => {
                let call = json!([{"to": token, "data": token::spin()}, "latest"]);
                let mut connection = Connection::open(address).await?;
                loop {
                    tally
                        .ask(&mut connection, request("eth_call", &call))
                        .await?;
                }
            }
            Self::WideLogQueries => {
                let range = json!([{"fromBlock": "0x0", "toBlock": "latest"}]);
                let mut connection = Connection::open(address).await?;
                loop {
                    tally
                        .ask(&mut connection, request("eth_getLogs", &range))
                        .await?;
                }
            }
        }
    }
}

/// Subscribes to everything and never reads.
async fn deaf(address: SocketAddr) -> Result<()> {
    let (mut socket, _) = connect_async(format!("ws://{address}/")).await?;
    for kind in ["newPendingTransactions", "newHeads"] {
        for id in 0..8 {
            let call =
                json!({"jsonrpc": "2.0", "id": id, "method": "eth_subscribe", "params": [kind]});
            socket.send(Message::text(call.to_string())).await?;
        }
    }
    loop {
        // Sending shows whether the node has hung up.
        tokio::time::sleep(Duration::from_millis(500)).await;
        socket.send(Message::Pong(Vec::new().into())).await?;
    }
}

#[derive(Clone, Debug, Default)]
struct Tally {
    answered: usize,
    refused: usize,
    cut: usize,
    example: Option<String>,
}

impl Tally {
    async fn ask(&mut self, connection: &mut Connection, body: Bytes) -> Result<()> {
        let answer = connection.post(body).await?;
        if http::errors(&answer) == 0 {
            self.answered += 1;
            return Ok(());
        }
        self.refused += 1;
        if self.example.is_none() {
            let text = String::from_utf8_lossy(&answer);
            let from = text.find("\"error\":").map_or(0, |at| at + 8);
            self.example = Some(text[from..].chars().take(90).collect());
        }
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.cut += other.cut;
        self.example = self.example.take().or(other.example);
    }
}

async fn phase(
    node: &Node,
    abuse: Abuse,
    clients: usize,
    time: Duration,
    token: Address,
    load: Load,
) -> Result<Phase> {
    let mut connection = node.connect().await?;
    let before = connection.quantity("eth_blockNumber", json!([])).await?;
    let cpu: Usage = node.usage()?;
    let end = Instant::now() + time;
    let good = tokio::spawn(load.send(node.address()));
    // The canary has its connection before the crowd comes.
    let canary: JoinHandle<Vec<Duration>> = tokio::spawn(canary(node.connect().await?, end));
    let mut crowd = JoinSet::new();
    for _ in 0..clients {
        crowd.spawn(abuse.run(node.address(), end, token));
    }
    tokio::time::sleep_until((end - time / 10).into()).await;
    let files = open_files(node.pid())?;
    let usage = node.usage()?;
    let mut tally = Tally::default();
    while let Some(client) = crowd.join_next().await {
        tally.add(client?);
    }
    let mut waits = canary.await?;
    let sent = good.await??;
    waits.sort();
    let ms = |share| percentile(&waits, share).map_or(0.0, |wait| wait.as_secs_f64() * 1e3);
    let after = connection.quantity("eth_blockNumber", json!([])).await?;
    let example = tally
        .example
        .map(|text| format!(", {text}"))
        .unwrap_or_default();
    Ok(Phase {
        name: abuse.name().to_owned(),
        canaries: waits.len(),
        missing: waits.iter().filter(|wait| **wait >= DEAF).count(),
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        blocks: after - before,
        cpu_share: (usage.cpu - cpu.cpu).as_secs_f64() / (time * 9 / 10).as_secs_f64(),
        rss_mib: usage.rss as f64 / (1 << 20) as f64,
        files,
        note: format!(
            "{} answers, {} refusals, {} cut; {} of the transfers refused{example}",
            tally.answered, tally.refused, tally.cut, sent.errors
        ),
    })
}

async fn canary(mut connection: Connection, end: Instant) -> Vec<Duration> {
    let body = request("eth_blockNumber", &json!([]));
    let mut waits = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        let answer = timeout(DEAF, connection.post(body.clone())).await;
        waits.push(match answer {
            Ok(Ok(answer)) if http::errors(&answer) == 0 => asked.elapsed(),
            _ => DEAF,
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    waits
}
