//! The port: HTTP bodies, WebSocket frames, methods' parameters, against a
//! true server with a true engine behind it, on one thread.

mod legal;
mod methods;
mod port;
mod raw;
mod websocket;

pub(super) use raw::RAW;
pub(super) use websocket::WEBSOCKET;

use crate::{Memory, Seed, Target, seeds};
use methods::{ADDRESS, WORDS, place};
pub use methods::{RpcMethod, methods as rpc_methods};
use port::MAX_BATCH;

/// Bodies of `POST /`.
pub(super) const HTTP: Target = Target {
    name: "rpc-http",
    about: "Any body is answered by valid JSON-RPC with a legal code and of bounded length.",
    run: |body| {
        port::chain().http(body);
    },
    seeds: bodies,
    max_len: 4 << 10,
    memory: MEMORY,
    words: WORDS,
};

/// Parameters of one method, which the first line names.
pub(super) const PARAMS: Target = Target {
    name: "rpc-params",
    about: "Any parameters of any method, those of a sandbox included, are answered as above.",
    run: |input| {
        rpc_call(input);
    },
    seeds: || {
        let methods = rpc_methods().iter();
        methods
            .map(|method| Seed::new(method.name, format!("{}\n{}", method.name, method.params)))
            .collect()
    },
    max_len: 2 << 10,
    memory: MEMORY,
    words: WORDS,
};

/// An input of the target `rpc-params` (a method's name, a line's end, its
/// parameters) as a call, and the answer to it. A line that names no
/// method means one that depends on its bytes.
pub fn rpc_call(input: &[u8]) -> Vec<u8> {
    let (line, params) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (&[][..], input),
    };
    let method = place(line);
    let mut body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{}","params":"#,
        method.name
    )
    .into_bytes();
    body.extend_from_slice(params);
    body.push(b'}');
    if !method.in_sandbox {
        return port::chain().http(&body);
    }
    let answer = port::sandbox().http(&body);
    // The next input finds the sandbox as this one did.
    let reset = request(1, "anvil_reset", "[]");
    port::sandbox().http(reset.as_bytes());
    answer
}

/// Answers are at most 256 KiB; a call may use 1 MiB of EVM memory at its gas.
const MEMORY: Memory = Memory {
    base: 32 << 20,
    per_byte: 4 << 10,
};

fn request(id: u32, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn bodies() -> Vec<Seed> {
    let raw = seeds::transfer(12);
    let mut seeds = vec![
        Seed::new("one", request(1, "eth_blockNumber", "[]")),
        Seed::new(
            "notification",
            r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#,
        ),
        Seed::new(
            "send",
            request(2, "eth_sendRawTransaction", &format!("[\"{raw}\"]")),
        ),
        Seed::new("empty-batch", "[]"),
        Seed::new("no-json", "{\"jsonrpc\":"),
        Seed::new("no-request", r#"{"id":"x","foo":1}"#),
        Seed::new(
            "text-id",
            r#"{"jsonrpc":"2.0","id":"é\u0000","method":"net_version"}"#,
        ),
        Seed::new(
            "named",
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"address":"0x"}}"#,
        ),
    ];
    let names = [
        "eth_call",
        "eth_estimateGas",
        "eth_getLogs",
        "eth_getBlockByNumber",
    ];
    let batch: Vec<String> = (0..)
        .zip(names.map(|name| place(name.as_bytes())))
        .map(|(id, method)| request(id, method.name, &method.params))
        .collect();
    seeds.push(Seed::new("batch", format!("[{}]", batch.join(","))));
    let balance = format!("[\"{ADDRESS}\",\"latest\"]");
    let many = vec![request(7, "eth_getBalance", &balance); MAX_BATCH + 1];
    seeds.push(Seed::new("batch-too-long", format!("[{}]", many.join(","))));
    seeds
}
