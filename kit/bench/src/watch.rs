//! When each transaction was first seen in a block.

use crate::{accounts::Presigned, http::Connection, node::Node};
use alloy_primitives::{B256, map::B256Map};
use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::timeout_at};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When the block with this transaction was announced; `None`: never.
    pub at: Vec<Option<Instant>>,
    /// The last block that held one of them.
    pub last_block: u64,
    /// Blocks that held any.
    pub blocks: u64,
}

impl Seen {
    /// How many were included.
    pub fn included(&self) -> usize {
        self.at.iter().flatten().count()
    }

    /// When the last one was included.
    pub fn last(&self) -> Option<Instant> {
        self.at.iter().flatten().max().copied()
    }
}

/// Follows a node's blocks by its `newHeads` subscription until all
/// transactions are included, or none was for `patience`.
pub async fn start(
    node: &Node,
    transactions: &[Presigned],
    patience: Duration,
) -> Result<JoinHandle<Result<Seen>>> {
    let places = (0..)
        .zip(transactions)
        .map(|(place, one)| (one.hash, place));
    let places: B256Map<usize> = places.collect();
    let mut heads = Heads::open(node.address()).await?;
    let mut reader = node.connect().await?;
    let mut next = reader.quantity("eth_blockNumber", json!([])).await? + 1;
    Ok(tokio::spawn(async move {
        let mut seen = Seen {
            at: vec![None; places.len()],
            last_block: 0,
            blocks: 0,
        };
        let mut missing = places.len();
        let mut progress = Instant::now();
        while missing > 0 && progress.elapsed() < patience {
            let Some((number, at)) = heads.next(Duration::from_secs(1)).await? else {
                continue;
            };
            for number in next..=number {
                let found = mark(&mut reader, &places, number, at, &mut seen.at).await?;
                if found > 0 {
                    missing -= found;
                    seen.blocks += 1;
                    seen.last_block = number;
                    progress = Instant::now();
                }
            }
            next = next.max(number + 1);
        }
        Ok(seen)
    }))
}

async fn mark(
    reader: &mut Connection,
    places: &B256Map<usize>,
    number: u64,
    at: Instant,
    seen: &mut [Option<Instant>],
) -> Result<usize> {
    let block = reader.post(crate::http::request(
        "eth_getBlockByNumber",
        &json!([format!("{number:#x}"), false]),
    ));
    let answer: Answer = serde_json::from_slice(&block.await?)?;
    let mut found = 0;
    for hash in answer
        .result
        .context("an announced block is missing")?
        .transactions
    {
        if let Some(place) = places.get(&hash)
            && seen[*place].replace(at).is_none()
        {
            found += 1;
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Block>,
}

#[derive(Deserialize)]
struct Block {
    transactions: Vec<B256>,
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A `newHeads` subscription.
#[derive(Debug)]
pub struct Heads {
    socket: Socket,
}

impl Heads {
    /// Subscribes.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let (mut socket, _) = connect_async(format!("ws://{address}/")).await?;
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]});
        socket.send(Message::text(call.to_string())).await?;
        loop {
            let message = socket
                .next()
                .await
                .context("the node closed the socket")??;
            if let Message::Text(text) = message {
                let answer: Value = serde_json::from_str(&text)?;
                answer["result"].as_str().context("eth_subscribe failed")?;
                return Ok(Self { socket });
            }
        }
    }

    /// The next block's number, and when it was announced; `None` if none
    /// comes in time. Other messages, such as pings, do not end the wait.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<(u64, Instant)>> {
        let give_up = tokio::time::Instant::now() + patience;
        while let Ok(message) = timeout_at(give_up, self.socket.next()).await {
            let message = message.context("the node closed the socket")??;
            let at = Instant::now();
            if let Message::Text(text) = message
                && let Some(number) = announced(&text)?
            {
                return Ok(Some((number, at)));
            }
        }
        Ok(None)
    }
}

fn announced(text: &str) -> Result<Option<u64>> {
    let notice: Value = serde_json::from_str(text)?;
    Ok(crate::http::number(&notice["params"]["result"]["number"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    #[tokio::test]
    async fn a_ping_does_not_end_the_wait_for_a_block() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let node = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            socket.next().await.unwrap().unwrap();
            let head = json!({"params": {"result": {"number": "0x7"}}});
            for message in [
                Message::text(r#"{"id": 1, "result": "0x1"}"#),
                Message::Ping(Vec::new().into()),
                Message::text(head.to_string()),
            ] {
                socket.send(message).await.unwrap();
            }
            // Held open until the client has gone.
            while socket.next().await.is_some_and(|message| message.is_ok()) {}
        });
        let mut heads = Heads::open(address).await.unwrap();
        let block = heads.next(Duration::from_secs(60)).await.unwrap();
        assert_eq!(block.map(|(number, _)| number), Some(7));
        drop(heads);
        node.await.unwrap();
    }
}
