use super::*;
use crate::{
    B256, Commitment, DaBlockId, DaHeight, ErrorKind, Evidence, LayerError as _, U256, VmId,
    boxed::BoxSettlement,
    conformance::hasty::{self, HastyClock},
    decorators::{CallCounts, Faulty, Metered, Retrying},
    keccak256,
    memory::Sovereign,
};
use futures_util::FutureExt as _;
use std::sync::Arc;

struct Harness<S> {
    layer: Sovereign,
    wrap: fn(Sovereign) -> S,
}

fn commitment(n: u64, truth: &str) -> Commitment {
    let da_block = DaBlockId {
        height: DaHeight(n),
        hash: keccak256(n.to_le_bytes()),
    };
    Commitment {
        version: 1,
        vm_id: VmId::new("test", 1),
        config_hash: keccak256("config"),
        number: n,
        timestamp: n,
        block_hash: keccak256((truth.to_owned() + &n.to_string()).as_bytes()),
        state_root: B256::ZERO,
        outbox_root: B256::ZERO,
        burned_fees: U256::ZERO,
        da_layer: keccak256("memory"),
        da_block,
        deriver_state: B256::ZERO,
    }
}

fn claim(n: u64, truth: &str) -> Claim {
    let last = commitment(n + 1, truth);
    Claim {
        pre: commitment(n, "true").hash(),
        da_target: last.da_block,
        steps: vec![last.hash()],
        last,
    }
}

impl<S: Settlement> SettlementHarness for Harness<S> {
    type Settlement = S;

    async fn open(&self) -> S {
        (self.wrap)(self.layer.clone())
    }

    async fn claim(&self, n: u64) -> Claim {
        let claim = claim(n, "true");
        self.layer.report(claim.last.clone(), false);
        claim
    }

    async fn false_claim(&self, n: u64) -> Claim {
        claim(n, "false")
    }

    async fn finalise(&self, n: u64) {
        self.layer.report(claim(n, "true").last, true);
    }
}

fn run<S: Settlement>(wrap: fn(Sovereign) -> S) {
    let new = async || Harness {
        layer: Sovereign::new(),
        wrap,
    };
    settlement(new)
        .now_or_never()
        .expect("ready at once")
        .assert_skipping(&[]);
}

#[test]
fn sovereign_settlement_conforms() {
    run(|layer| layer);
}

#[test]
fn boxed_settlement_conforms() {
    run(BoxSettlement::new);
}

#[test]
fn metered_settlement_conforms() {
    run(|layer| {
        Metered::new(
            layer,
            Arc::new(HastyClock::default()),
            CallCounts::default(),
        )
    });
}

#[test]
fn faulty_settlement_conforms_when_retried() {
    run(|layer| {
        let clock = Arc::new(HastyClock::default());
        let faulty = Faulty::new(layer, clock.clone(), hasty::faults());
        Retrying::new(faulty, clock, hasty::patient())
    });
}

#[test]
fn sovereign_verifies_by_its_own_derivation() {
    let layer = Sovereign::new();
    let evidence = Evidence::Zk(crate::Bytes::new());
    let kind = |claim: &Claim| {
        let result = layer.verify(claim, &evidence);
        result.err().map(|error| error.kind())
    };
    assert_eq!(kind(&claim(0, "true")), Some(ErrorKind::NotYet));
    layer.report(commitment(1, "true"), false);
    assert_eq!(kind(&claim(0, "true")), None);
    assert_eq!(kind(&claim(0, "false")), Some(ErrorKind::Rejected));
}

#[test]
fn a_reorganised_derivation_rejects_what_it_proposed() {
    let layer = Sovereign::new();
    layer.report(commitment(1, "true"), false);
    let id = layer
        .propose(&claim(0, "true"))
        .now_or_never()
        .expect("ready at once")
        .expect("agrees");
    layer.report(commitment(1, "other"), false);
    let status = layer.status(&id).now_or_never().expect("ready at once");
    assert_eq!(status, Ok(ClaimStatus::Rejected));
}
