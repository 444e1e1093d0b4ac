//! Frames of a WebSocket.

use super::{MEMORY, legal::legal, methods::WORDS, port, port::in_time, request};
use crate::{Seed, Target};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a client sends once a WebSocket is open: messages, split by lines; or,
/// after a first byte 0xff, frames as they are.
pub(in crate::targets) const WEBSOCKET: Target = Target {
    name: "rpc-websocket",
    about: "Any frames get valid JSON-RPC in text frames, or a close frame, and the server goes on.",
    run: websocket,
    seeds: sessions,
    max_len: 2 << 10,
    memory: MEMORY,
    words: WORDS,
};

fn websocket(input: &[u8]) {
    let port = port::chain();
    let frames = match input.split_first() {
        Some((0xff, raw)) => raw.to_vec(),
        _ => input
            .split(|byte| *byte == b'\n')
            .take(8)
            .flat_map(|text| frame(1, text))
            .collect(),
    };
    port.runtime
        .block_on(in_time("websocket", session(port.address, &frames)));
}

/// A masked frame, the mask all zero.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Opens, sends the frames and a close frame, and reads until the server
/// closes; every text frame must be legal.
async fn session(address: SocketAddr, frames: &[u8]) {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    // Thousands of connections a minute must not wait for their end.
    stream.set_zero_linger().expect("a socket");
    let upgrade = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("writes");
    let mut read = Vec::new();
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read_buf(&mut read).await.expect("reads");
        assert!(count > 0, "no upgrade");
    }
    let end = read
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(0, |at| at + 4);
    assert!(read.starts_with(b"HTTP/1.1 101"), "no upgrade");
    let mut read = read.split_off(end);
    let all = [frames, &frame(8, &[])].concat();
    // The server may close before it has read everything, and may send more
    // than the socket holds before it reads on.
    let (mut reader, mut writer) = stream.split();
    let write = async {
        let _ = writer.write_all(&all).await;
        let _ = writer.shutdown().await;
    };
    let receive = async {
        while matches!(reader.read_buf(&mut read).await, Ok(count) if count > 0) {
            assert!(read.len() < 8 << 20, "answers without end");
        }
    };
    tokio::join!(write, receive);
    let mut rest = &read[..];
    while let Some((kind, payload, after)) = unframe(rest) {
        match kind {
            1 => legal(payload),
            8..=10 => {}
            other => panic!("a frame of kind {other}"),
        }
        rest = after;
    }
}

/// The first frame of a server: its kind, its payload, what follows. Nothing
/// where it is not whole.
fn unframe(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    assert!(head[1] < 0x80, "a server does not mask");
    let (len, rest) = match head[1] {
        126 => {
            let (len, rest) = rest.split_at_checked(2)?;
            (u64::from(u16::from_be_bytes([len[0], len[1]])), rest)
        }
        127 => {
            let (len, rest) = rest.split_at_checked(8)?;
            (u64::from_be_bytes(len.try_into().ok()?), rest)
        }
        len => (u64::from(len), rest),
    };
    let (payload, after) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((head[0] & 0xf, payload, after))
}

fn sessions() -> Vec<Seed> {
    let heads = request(1, "eth_subscribe", r#"["newHeads"]"#);
    let logs = request(2, "eth_subscribe", r#"["logs",{}]"#);
    let number = request(3, "eth_blockNumber", "[]");
    let raw = [
        frame(2, number.as_bytes()),
        frame(9, b"ping"),
        frame(1, b"[1,"),
    ]
    .concat();
    // In two frames, with a ping between.
    let mut split = frame(1, &number.as_bytes()[..9]);
    split[0] = 1;
    split.extend(frame(9, b""));
    split.extend(frame(0, &number.as_bytes()[9..]));
    vec![
        Seed::new(
            "subscriptions",
            [heads.clone(), logs, number.clone()].join("\n"),
        ),
        Seed::new("five-subscriptions", vec![heads; 5].join("\n")),
        Seed::new("batch", format!("[{number},{number}]")),
        Seed::new("frames", [&[0xff], raw.as_slice()].concat()),
        Seed::new("fragments", [&[0xff], split.as_slice()].concat()),
    ]
}
