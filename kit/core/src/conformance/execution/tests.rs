use super::*;
use crate::{
    B256, U256,
    memory::{MemoryExecution, MemoryGenesis, MemoryStore, MemoryTx},
};
use futures_util::FutureExt as _;

#[derive(Default)]
struct Harness {
    store: MemoryStore,
    base_fee: u64,
}

const PAYER: Address = Address::repeat_byte(1);

impl Harness {
    fn genesis(&self) -> MemoryGenesis {
        MemoryGenesis {
            base_fee: self.base_fee,
            ..MemoryGenesis::default()
        }
    }
}

impl ExecutionHarness for Harness {
    type Execution = MemoryExecution;

    async fn open(&self) -> MemoryExecution {
        MemoryExecution::open(&self.store, self.genesis())
    }

    async fn fresh(&self) -> MemoryExecution {
        MemoryExecution::new(self.genesis())
    }

    async fn open_as_other_chain(&self) -> Option<MemoryExecution> {
        let other = MemoryGenesis {
            chain_id: 7,
            extra_data: Bytes::from_static(b"other"),
            ..self.genesis()
        };
        Some(MemoryExecution::open(&self.store, other))
    }

    fn transaction(&self, n: u64) -> Bytes {
        if n.is_multiple_of(2) {
            MemoryTx::put(PAYER, n, B256::with_last_byte(n as u8), n + 1).encode()
        } else {
            MemoryTx::transfer(PAYER, n, Address::repeat_byte(0x77), n).encode()
        }
    }

    fn unpayable(&self) -> Bytes {
        let mut tx = MemoryTx::transfer(Address::repeat_byte(0x99), 0, PAYER, 1);
        tx.max_fee_per_gas = 1 << 40;
        tx.encode()
    }

    fn proof_keys(&self) -> Vec<ProofKey> {
        vec![
            ProofKey {
                address: PAYER,
                slots: vec![B256::with_last_byte(0), B256::with_last_byte(9)],
            },
            ProofKey {
                address: Address::repeat_byte(0x98),
                slots: vec![B256::ZERO],
            },
        ]
    }

    fn execute_stateless(
        &self,
        parent: &Header,
        input: &BlockInput,
        witness: &ExecutionWitness,
    ) -> Option<Result<Header, String>> {
        let run = MemoryExecution::execute_stateless(&self.genesis(), parent, input, witness);
        Some(match run {
            Ok(Ok(header)) => Ok(header),
            Ok(Err(invalid)) => Err(invalid.reason),
            Err(error) => Err(error.to_string()),
        })
    }
}

#[test]
fn memory_engine_conforms() {
    execution(async || Harness::default())
        .now_or_never()
        .expect("ready at once")
        .assert_skipping(&[]);
}

#[test]
fn memory_engine_with_fees_conforms() {
    let new = async || Harness {
        base_fee: 7,
        ..Harness::default()
    };
    let report = execution(new).now_or_never().expect("ready at once");
    report.assert_skipping(&[]);
    assert!(U256::from(report.checks.len()) > U256::from(50));
}

/// The same harness, with the engine in a wrapper.
struct Wrapped<E>(Harness, fn(MemoryExecution) -> E);

impl<E: Execution> ExecutionHarness for Wrapped<E> {
    type Execution = E;

    async fn open(&self) -> E {
        (self.1)(self.0.open().await)
    }

    async fn fresh(&self) -> E {
        (self.1)(self.0.fresh().await)
    }

    fn transaction(&self, n: u64) -> Bytes {
        self.0.transaction(n)
    }

    fn unpayable(&self) -> Bytes {
        self.0.unpayable()
    }

    fn proof_keys(&self) -> Vec<ProofKey> {
        self.0.proof_keys()
    }
}

fn run_wrapped<E: Execution>(wrap: fn(MemoryExecution) -> E) {
    let new = async || Wrapped(Harness::default(), wrap);
    let report = execution(new).now_or_never().expect("ready at once");
    report.assert_skipping(&[
        "a_store_of_another_chain_is_refused",
        "a_witness_suffices_to_execute_the_block",
        "a_witness_holds_nothing_needless",
    ]);
}

#[test]
fn boxed_engine_conforms() {
    run_wrapped(crate::boxed::BoxExecution::new);
}

#[test]
fn metered_engine_without_faults_conforms() {
    run_wrapped(|engine| {
        let clock = std::sync::Arc::new(crate::ManualClock::default());
        let plan = crate::decorators::FaultPlan::default();
        let faulty = crate::decorators::Faulty::new(engine, clock.clone(), plan);
        let counts = crate::decorators::CallCounts::default();
        crate::decorators::Metered::new(faulty, clock, counts)
    });
}
