use super::*;
use crate::{
    engine::{EvmConfig, EvmEngine, Location},
    machine::{EvmMachine, witness::WitnessState},
    store::kv::{Durability, FjallOptions, KeyValue},
};
use alloy_primitives::U256;
use rollwright_core::{
    B256, BlockInput, Bytes, ExecutionWitness, Header, ProofKey, StateMachine,
    conformance::{self, ExecutionHarness},
};
use std::sync::Arc;
use tempfile::TempDir;

/// What survives a killed process.
enum Durable {
    Memory(Arc<dyn KeyValue>),
    Disk(TempDir),
}

struct Harness(Durable);

impl Harness {
    fn config(&self, salt: u8) -> EvmConfig {
        match &self.0 {
            Durable::Memory(kv) => over(kv, salt),
            Durable::Disk(directory) => EvmConfig {
                location: Location::Directory {
                    path: directory.path().to_path_buf(),
                    options: FjallOptions {
                        durability: Durability::Process,
                        ..FjallOptions::default()
                    },
                },
                ..EvmConfig::in_memory(chain(salt))
            },
        }
    }
}

impl ExecutionHarness for Harness {
    type Execution = EvmEngine;

    async fn open(&self) -> EvmEngine {
        EvmEngine::open(self.config(0)).expect("opens")
    }

    async fn fresh(&self) -> EvmEngine {
        EvmEngine::open(EvmConfig::in_memory(chain(0))).expect("opens")
    }

    async fn open_as_other_chain(&self) -> Option<EvmEngine> {
        EvmEngine::open(self.config(1)).ok()
    }

    fn transaction(&self, n: u64) -> Bytes {
        nth(n)
    }

    fn unpayable(&self) -> Bytes {
        // The key of nobody who has anything.
        sign(fields(0), B256::repeat_byte(0x42))
    }

    fn proof_keys(&self) -> Vec<ProofKey> {
        let slots = [0, 3, 9].map(|slot| B256::from(U256::from(slot))).to_vec();
        let nobody = rollwright_core::Address::repeat_byte(0x99);
        vec![
            ProofKey {
                address: WRITER,
                slots: slots.clone(),
            },
            ProofKey {
                address: nobody,
                slots,
            },
        ]
    }

    fn execute_stateless(
        &self,
        parent: &Header,
        input: &BlockInput,
        witness: &ExecutionWitness,
    ) -> Option<Result<Header, String>> {
        let config = chain(0).config;
        let applied = WitnessState::new(witness, parent)
            .map_err(|error| error.to_string())
            .and_then(|mut state| {
                EvmMachine::apply(&config, parent, &mut state, input)
                    .map_err(|error| error.to_string())
            });
        Some(applied.map(|applied| applied.header))
    }
}

#[tokio::test]
async fn an_engine_in_memory_conforms() {
    conformance::execution(async || Harness(Durable::Memory(memory())))
        .await
        .assert_skipping(&["a_store_of_another_chain_is_refused"]);
}

#[tokio::test]
async fn an_engine_on_disk_conforms() {
    conformance::execution(async || Harness(Durable::Disk(TempDir::new().expect("a directory"))))
        .await
        .assert_skipping(&["a_store_of_another_chain_is_refused"]);
}

#[test]
fn a_store_of_another_chain_is_refused_with_both_hashes() {
    let kv = memory();
    let engine = EvmEngine::open(over(&kv, 0)).expect("opens");
    let ours = engine.init().expect("genesis");
    extend(&engine, vec![nth(0)]);
    let latest = engine.heads().expect("heads").latest;
    drop(engine);
    let error = EvmEngine::open(over(&kv, 1)).expect_err("another chain");
    assert_eq!(
        rollwright_core::LayerError::kind(&error),
        rollwright_core::ErrorKind::Fatal
    );
    let theirs = chain(1).block().expect("a genesis block").rollup_id();
    let text = error.to_string();
    assert!(text.contains(&ours.hash.to_string()), "{text}");
    assert!(text.contains(&theirs.to_string()), "{text}");
    // Nothing was changed.
    let again = EvmEngine::open(over(&kv, 0)).expect("opens");
    assert_eq!(again.heads().expect("heads").latest, latest);
}
