use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const TRANSACTION: &[u8] = &[2, 0xc0];

/// A server that answers one request by these bytes, and then goes on with
/// zeros for as long as somebody reads, if `endless`.
async fn forwarded(answer: String, endless: bool) -> Result<B256, SubmitError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        while endless && stream.write_all(&[b' '; 4_096]).await.is_ok() {}
    });
    let forwarder = to(&url).expect("a client");
    let told = forwarder.forward(Bytes::from_static(TRANSACTION)).await;
    serving.await.expect("it ends");
    told
}

fn of_length(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let told = forwarded("HTTP/1.1 200 OK\r\n\r\n{\"result\":".into(), true).await;
    assert!(
        matches!(&told, Err(SubmitError::Internal(reason)) if reason.contains("longer")),
        "{told:?}"
    );
}

#[tokio::test]
async fn the_hash_that_is_answered_is_the_transactions_own() {
    let hash = keccak256(TRANSACTION);
    let answer = |hash| {
        of_length(&format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"{hash}\"}}"
        ))
    };
    assert_eq!(forwarded(answer(hash), false).await.ok(), Some(hash));
    let told = forwarded(answer(B256::ZERO), false).await;
    assert!(matches!(told, Err(SubmitError::Internal(_))), "{told:?}");
}

#[tokio::test]
async fn a_refusal_is_told_as_it_is() {
    let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"nonce too low"}}"#;
    let told = forwarded(of_length(body), false).await;
    assert!(
        matches!(&told, Err(SubmitError::Invalid(reason)) if reason == "nonce too low"),
        "{told:?}"
    );
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    let hash = keccak256(TRANSACTION);
    for answer in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"result":"0x12"}"#,
        "{\"result\":null}",
    ] {
        let told = read(answer.as_bytes(), hash);
        assert!(matches!(told, Err(SubmitError::Internal(_))), "{answer}");
    }
}
