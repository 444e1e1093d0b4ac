//! JSON-RPC over one kept-alive HTTP/1.1 connection.

use alloy_primitives::hex;
use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// An open connection. One request at a time; dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects. The error is the system's.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; what went wrong shows in the request.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: address.to_string(),
        })
    }

    /// Sends a body, reads the whole answer, whatever its status.
    pub async fn post(&mut self, body: Bytes) -> Result<Bytes> {
        let request = Request::post("/")
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    }

    /// One call; a JSON-RPC error is an error.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let answer = self.post(request(method, &params)).await?;
        let mut answer: Value = serde_json::from_slice(&answer)
            .with_context(|| format!("the answer to {method} is not JSON"))?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// A call whose answer is a quantity.
    pub async fn quantity(&mut self, method: &str, params: Value) -> Result<u64> {
        let answer = self.call(method, params).await?;
        number(&answer).with_context(|| format!("{method} answers {answer}"))
    }
}

/// The body of one call.
pub fn request(method: &str, params: &Value) -> Bytes {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        .to_string()
        .into()
}

/// The body that sends one transaction, or a batch of several.
pub fn submission(transactions: &[impl AsRef<[u8]>]) -> Bytes {
    let call = |(id, bytes): (usize, &[u8])| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_sendRawTransaction","params":["{}"]}}"#,
            hex::encode_prefixed(bytes)
        )
    };
    let mut calls = transactions.iter().map(AsRef::as_ref).enumerate().map(call);
    match transactions.len() {
        1 => calls.next().unwrap_or_default().into(),
        _ => format!("[{}]", calls.collect::<Vec<_>>().join(",")).into(),
    }
}

/// A hex quantity.
pub fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// How many JSON-RPC errors are in an answer.
pub fn errors(answer: &[u8]) -> usize {
    const MARK: &[u8] = b"\"error\":";
    answer
        .windows(MARK.len())
        .filter(|window| *window == MARK)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_transaction_is_a_call_and_several_are_a_batch() {
        let one: Value = serde_json::from_slice(&submission(&[[1, 2]])).unwrap();
        assert_eq!(one["params"][0], "0x0102");
        let two: Value = serde_json::from_slice(&submission(&[[1], [2]])).unwrap();
        assert_eq!(two[1]["params"][0], "0x02");
        assert_eq!(two[1]["id"], 1);
    }

    #[test]
    fn errors_are_counted() {
        assert_eq!(errors(br#"[{"error":{}},{"result":1},{"error":{}}]"#), 2);
        assert_eq!(errors(br#"{"result":"0x1"}"#), 0);
    }
}
