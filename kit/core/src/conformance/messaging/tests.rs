use super::*;
use crate::{
    Payload,
    boxed::BoxMessaging,
    conformance::hasty::{self, HastyClock},
    decorators::{CallCounts, FaultPlan, Faulty, Metered, Retrying},
    memory::MemoryMessaging,
};
use futures_util::FutureExt as _;
use std::sync::Arc;

struct Harness<M> {
    ends: (MemoryMessaging, MemoryMessaging),
    wrap: fn(MemoryMessaging) -> M,
}

impl<M: Messaging> Harness<M> {
    fn end(&self, side: Side) -> &MemoryMessaging {
        match side {
            Side::Source => &self.ends.0,
            Side::Destination => &self.ends.1,
        }
    }
}

impl<M: Messaging> MessagingHarness for Harness<M> {
    type Messaging = M;

    async fn open(&self, side: Side) -> M {
        (self.wrap)(self.end(side).clone())
    }

    async fn send(&self, seconds: u64) -> IbcPacket {
        let payload = Payload {
            source_port: "echo".into(),
            destination_port: "echo".into(),
            version: "1".into(),
            encoding: "raw".into(),
            value: Bytes::from_static(b"hello"),
        };
        let timeout = self.ends.1.now() + seconds;
        self.ends.0.send(vec![payload], timeout).expect("sent")
    }

    async fn seal(&self, side: Side, seconds: u64) -> BlockRef {
        self.end(side).seal(seconds)
    }

    async fn update(&self, of: Side, block: &BlockRef) -> (ClientId, Bytes) {
        let other = match of {
            Side::Source => Side::Destination,
            Side::Destination => Side::Source,
        };
        (self.end(other).client_id(), self.end(of).update_for(block))
    }
}

fn run<M: Messaging>(wrap: fn(MemoryMessaging) -> M) {
    let new = async || Harness {
        ends: MemoryMessaging::pair(),
        wrap,
    };
    messaging(new)
        .now_or_never()
        .expect("ready at once")
        .assert_skipping(&[]);
}

#[test]
fn memory_messaging_conforms() {
    run(|layer| layer);
}

#[test]
fn boxed_messaging_conforms() {
    run(BoxMessaging::new);
}

#[test]
fn metered_messaging_conforms() {
    run(|layer| {
        Metered::new(
            layer,
            Arc::new(HastyClock::default()),
            CallCounts::default(),
        )
    });
}

#[test]
fn faulty_messaging_that_only_refuses_conforms_when_retried() {
    run(|layer| {
        let clock = Arc::new(HastyClock::default());
        let plan = FaultPlan {
            lost_per_mille: 0,
            ..hasty::faults()
        };
        let faulty = Faulty::new(layer, clock.clone(), plan);
        Retrying::new(faulty, clock, hasty::patient())
    });
}
