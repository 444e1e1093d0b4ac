#![doc = include_str!("../README.md")]

mod config;
mod connections;
mod dispatch;
mod error;
mod files;
mod front;
mod http;
mod methods;
mod parse;
mod port;
mod probes;
mod server;
mod websocket;

#[cfg(test)]
mod tests;

pub use config::ServerConfig;
pub use dispatch::describe_metrics;
pub use error::RpcError;
pub use jsonrpsee::{Methods, RpcModule};
pub use methods::method_names;
pub use server::{BoundServer, Server};
