use crate::{Error, wire::Failure};
use borsh::{BorshDeserialize, BorshSerialize};
use reqwest::{Client, Method, StatusCode};
use std::sync::Arc;

/// One request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) http: &'a Client,
    pub(super) url: &'a str,
    pub(super) action: &'static str,
}

impl Asked<'_> {
    fn unreachable(&self, source: reqwest::Error) -> Error {
        Error::Unreachable {
            url: self.url.to_owned(),
            source: Arc::new(source),
        }
    }

    fn failed(&self, message: impl Into<String>) -> Error {
        Error::Server {
            url: self.url.to_owned(),
            message: message.into(),
        }
    }

    pub(super) async fn send<T: BorshDeserialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        limit: u64,
    ) -> Result<T, Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut response = request.send().await.map_err(|e| self.unreachable(e))?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(e))? {
            if (answer.len() + chunk.len()) as u64 > limit {
                return Err(self.failed(format!("its answer is longer than {limit} bytes")));
            }
            answer.extend_from_slice(&chunk);
        }
        if status == StatusCode::OK {
            return borsh::from_slice(&answer).map_err(|error| {
                self.failed(format!("its answer to {path} does not read: {error}"))
            });
        }
        Err(match borsh::from_slice::<Failure>(&answer) {
            Ok(failure) => failure.into_error(self.url, self.action),
            Err(_) => self.failed(format!("{path} was answered with {status}")),
        })
    }
}

pub(super) fn encode<T: BorshSerialize>(value: &T) -> Result<Vec<u8>, Error> {
    borsh::to_vec(value).map_err(|_| Error::Config {
        key: "max_block_bytes",
        reason: "a value is too long to encode".into(),
    })
}
