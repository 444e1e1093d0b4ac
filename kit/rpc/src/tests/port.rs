use super::fake::config;
use crate::{RpcError, Server, ServerConfig, port::listening_inode};
use rollwright_core::{ErrorKind, LayerError};

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_port_owner_and_cure() {
    let first = Server::bind(config()).await.unwrap();
    let taken = ServerConfig {
        listen: first.local_addr(),
        ..config()
    };
    let error = Server::bind(taken).await.unwrap_err();
    assert_eq!(error.code(), "RW-RPC-001");
    assert_eq!(error.kind(), ErrorKind::Fatal);
    let text = error.to_string();
    assert!(
        text.contains(&first.local_addr().port().to_string()),
        "{text}"
    );
    assert!(text.contains("--port auto"), "{text}");
    let RpcError::PortTaken { owner, .. } = error else {
        panic!("{error}");
    };
    if cfg!(target_os = "linux") {
        assert_eq!(owner.unwrap().0, std::process::id());
    }
}

#[tokio::test]
async fn port_zero_chooses_a_free_port() {
    let (one, two) = (
        Server::bind(config()).await.unwrap(),
        Server::bind(config()).await.unwrap(),
    );
    assert_ne!(one.local_addr().port(), 0);
    assert_ne!(one.local_addr(), two.local_addr());
}

#[tokio::test]
async fn an_address_of_another_machine_cannot_be_bound() {
    let elsewhere = ServerConfig {
        listen: "192.0.2.1:8545".parse().unwrap(),
        ..config()
    };
    assert_eq!(
        Server::bind(elsewhere).await.unwrap_err().code(),
        "RW-RPC-002"
    );
}

#[tokio::test]
async fn a_cors_entry_that_is_no_origin_is_refused() {
    let wrong = ServerConfig {
        cors: vec!["app.example".into()],
        ..config()
    };
    let error = Server::bind(wrong).await.unwrap_err();
    assert_eq!(error.code(), "RW-RPC-003");
    assert!(error.to_string().contains("app.example"));
}

#[test]
fn only_listening_sockets_own_a_port() {
    // Layout of proc(5), /proc/net/tcp; 0x2161 is 8545.
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
           0: 0100007F:2161 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 11 1\n\
           1: 0100007F:2162 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 22 1\n\
           2: 0100007F:2161 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 33 1\n\
           broken\n";
    assert_eq!(listening_inode(table, 8545), Some(33));
    assert_eq!(listening_inode(table, 8546), Some(22));
    assert_eq!(listening_inode(table, 8547), None);
    assert_eq!(listening_inode("", 8545), None);
}
