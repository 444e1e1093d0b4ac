//! Commands over a DA layer that does not answer.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, failure, run};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

/// Hands connections on to the layer at `address`, and lets every request
/// whose line begins with `lost` come to nothing: neither answer nor end.
fn in_between(address: String, lost: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let layer = TcpStream::connect(&address).expect("the layer listens");
            let answers = (layer.try_clone(), client.try_clone());
            let (Ok(mut from), Ok(mut to)) = answers else {
                return;
            };
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || hand_on(client, layer, lost));
        }
    });
    url
}

fn hand_on(mut client: TcpStream, mut layer: TcpStream, lost: &str) {
    let mut bytes = [0; 16 << 10];
    let mut dead = false;
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        dead |= bytes[..count].starts_with(lost.as_bytes());
        if !dead && layer.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // The client is gone, and the layer need not wait for it.
    let _ = layer.shutdown(Shutdown::Both);
}

#[test]
fn a_layer_that_does_not_answer_is_given_up_within_the_node_s_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let datadir = folder.path().to_str().expect("UTF-8");
    let times = ["--block-time", "200ms", "--da-block-time", "200ms"];
    let mut node = Running::dev(folder.path(), &times);
    node.wait_for("block");
    assert_eq!(node.interrupt(), Some(0));
    let config = folder.path().join("rollup.toml");
    let text = fs::read_to_string(&config).expect("read");
    assert!(text.contains("timeout = \"30s\""), "{text}");
    let text = text.replacen("timeout = \"30s\"", "timeout = \"300ms\"", 1);
    fs::write(&config, text).expect("written");
    let file = folder.path().join("da");
    let file = file.to_str().expect("UTF-8");
    let layer = Running::start(&["da", "serve", "--path", file, "--listen", "127.0.0.1:0"]);
    let url = layer.started["url"].as_str().expect("a URL");
    let address = url.trim_start_matches("http://").to_owned();

    let blocks = in_between(address.clone(), "GET /v1/block/");
    let head = in_between(address, "GET /v1/head");
    let cases: [(&str, &str, &[&str]); 5] = [
        (&blocks, "fetch", &["verify"]),
        (&head, "head", &["verify"]),
        (&head, "head", &["da", "status"]),
        (&head, "head", &["da", "tail", "--no-follow"]),
        (&blocks, "fetch", &["da", "tail", "--no-follow"]),
    ];
    for (url, method, command) in cases {
        let target = ["--datadir", datadir, "--da-url", url, "--json"];
        let output = run(&[command, &target].concat());
        let error = failure(&output);
        assert_eq!(error["code"], "RW-DA-303", "{command:?}: {error}");
        let message = error["message"].as_str().expect("text");
        let wanted = format!("no answer to `{method}` within 300ms");
        assert!(message.contains(&wanted), "{command:?}: {message}");
    }
}
