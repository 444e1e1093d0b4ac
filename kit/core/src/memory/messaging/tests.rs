use super::*;
use crate::{ErrorKind, LayerError as _};

fn payload() -> Payload {
    Payload {
        source_port: "echo".into(),
        destination_port: "echo".into(),
        version: "1".into(),
        encoding: "raw".into(),
        value: Bytes::from_static(b"hello"),
    }
}

#[test]
fn a_packet_needs_a_payload_and_a_deadline_within_a_day() {
    let (a, _) = MemoryMessaging::pair();
    let now = a.now();
    for (payloads, timeout) in [
        (vec![], now + 10),
        (vec![payload()], now),
        (vec![payload()], now + MAX_TIMEOUT + 1),
    ] {
        let error = a.send(payloads, timeout).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Rejected);
    }
    assert_eq!(a.send(vec![payload()], now + 10).expect("sent").sequence, 1);
}
