//! Sends presigned transactions over many connections.

use crate::{
    accounts::Presigned,
    http::{self, Connection},
};
use anyhow::Result;
use hyper::body::Bytes;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How transactions are sent.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Connections.
    pub connections: usize,
    /// Transactions in a request.
    pub batch: usize,
    /// Transactions a second (an open loop); `None`: each connection sends its
    /// next request when it has the answer to the last.
    pub rate: Option<u32>,
}

/// Requests, ready to be sent, by connection.
#[derive(Clone, Debug)]
pub struct Load {
    lanes: Vec<Vec<Request>>,
    transactions: usize,
    rate: Option<u32>,
}

#[derive(Clone, Debug)]
struct Request {
    body: Bytes,
    /// Places of its transactions.
    places: Vec<usize>,
}

/// What sending gave.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When each transaction left; in an open loop, when it should have left
    /// if its connection was still busy.
    pub at: Vec<Instant>,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Transactions that were refused.
    pub errors: usize,
    /// One of the answers with an error in it.
    pub example: Option<String>,
}

impl Load {
    /// Transaction `i` goes to connection `(i mod accounts) mod connections`,
    /// so that those of one account stay in order.
    pub fn new(transactions: &[Presigned], accounts: usize, pace: Pace) -> Self {
        let mut lanes = vec![Vec::new(); pace.connections];
        for place in 0..transactions.len() {
            lanes[(place % accounts) % pace.connections].push(place);
        }
        let request = |places: &[usize]| {
            let bytes: Vec<_> = places
                .iter()
                .map(|place| &transactions[*place].bytes)
                .collect();
            Request {
                body: http::submission(&bytes),
                places: places.to_vec(),
            }
        };
        let requests = |lane: &Vec<usize>| lane.chunks(pace.batch).map(request).collect();
        Self {
            lanes: lanes.iter().map(requests).collect(),
            transactions: transactions.len(),
            rate: pace.rate,
        }
    }

    /// Sends everything; ends with the last answer.
    pub async fn send(self, address: SocketAddr) -> Result<Sent> {
        let mut open = Vec::new();
        for lane in self.lanes {
            open.push((Connection::open(address).await?, lane));
        }
        let begin = Instant::now();
        let mut running = JoinSet::new();
        for (connection, lane) in open {
            running.spawn(run(connection, lane, begin, self.rate));
        }
        let mut sent = Sent {
            at: vec![begin; self.transactions],
            took: Duration::ZERO,
            errors: 0,
            example: None,
        };
        while let Some(lane) = running.join_next().await {
            let lane = lane??;
            for (place, at) in lane.at {
                sent.at[place] = at;
            }
            sent.errors += lane.errors;
            sent.example = sent.example.or(lane.example);
        }
        sent.took = begin.elapsed();
        Ok(sent)
    }
}

#[derive(Debug, Default)]
struct Lane {
    at: Vec<(usize, Instant)>,
    errors: usize,
    example: Option<String>,
}

async fn run(
    mut connection: Connection,
    requests: Vec<Request>,
    begin: Instant,
    rate: Option<u32>,
) -> Result<Lane> {
    let mut lane = Lane::default();
    for request in requests {
        let at = match rate {
            None => Instant::now(),
            Some(rate) => due(begin, &request, rate).await,
        };
        lane.at
            .extend(request.places.iter().map(|place| (*place, at)));
        let answer = connection.post(request.body).await?;
        let errors = http::errors(&answer);
        if errors > 0 && lane.example.is_none() {
            let text = String::from_utf8_lossy(&answer);
            let from = text.find("\"error\"").unwrap_or(0);
            lane.example = Some(text[from..].chars().take(300).collect());
        }
        lane.errors += errors;
    }
    Ok(lane)
}

/// Waits for the request's turn. A request that is late counts from when it
/// was due: an open loop does not wait for a slow server.
async fn due(begin: Instant, request: &Request, rate: u32) -> Instant {
    let Some(last) = request.places.last() else {
        return begin;
    };
    let due = begin + Duration::from_secs_f64(*last as f64 / f64::from(rate));
    if Instant::now() >= due {
        return due;
    }
    tokio::time::sleep_until(due.into()).await;
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{B256, Bytes};

    #[test]
    fn transactions_of_an_account_share_a_connection_and_keep_their_order() {
        let transactions: Vec<_> = (0..20)
            .map(|index| Presigned {
                hash: B256::ZERO,
                bytes: Bytes::from(vec![index]),
            })
            .collect();
        let pace = Pace {
            connections: 2,
            batch: 3,
            rate: None,
        };
        let load = Load::new(&transactions, 4, pace);
        for account in 0..4 {
            let lane = &load.lanes[account % 2];
            let places = lane.iter().flat_map(|request| &request.places);
            let own: Vec<_> = places
                .copied()
                .filter(|place| place % 4 == account)
                .collect();
            let expected: Vec<_> = (0..5).map(|turn| turn * 4 + account).collect();
            assert_eq!(own, expected);
        }
        assert!(
            load.lanes
                .iter()
                .flatten()
                .all(|request| request.places.len() <= 3)
        );
    }
}
