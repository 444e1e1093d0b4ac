//! Histories that were recorded elsewhere, as a simulator's.

use rollwright_core::DaHeight;
use rollwright_evm::{engine::EvmEngine, genesis::DevGenesis};
use rollwright_reference::{
    DriveError, Engine, EthereumEngine, Event, RecordedError, Scene, Script, compare_recorded,
    derive,
};

/// A history of the EVM with blocks of batches in it.
fn scene() -> Option<Scene<EthereumEngine>> {
    let scenes = (0..20).map(Script::from_seed);
    let mut scenes = scenes.filter(|script| script.chain[0] & 16 == 0);
    scenes.find_map(|script| {
        let mut scene = Scene::<EthereumEngine>::play(&script).ok()?;
        let (chain, history) = (scene.chain.clone(), scene.branches[0].clone());
        let payloads = Engine::payloads(&scene.engine);
        let derivation = derive(&chain, &payloads, &history, &mut scene).ok()?;
        let mut events = derivation.steps.iter().flat_map(|step| &step.events);
        let batch = events.any(|event| matches!(event, Event::Batch(_)));
        batch.then_some(scene)
    })
}

#[test]
fn a_recorded_history_of_the_evm_is_derived_twice_over_a_fresh_engine() {
    let mut scene = scene().unwrap();
    let (chain, mut history) = (scene.chain.clone(), scene.branches[0].clone());
    history.finalized = history.blocks.len() / 2;
    let payloads = Engine::payloads(&scene.engine);
    let expected = derive(&chain, &payloads, &history, &mut scene).unwrap();

    let genesis = DevGenesis::new(chain.genesis_time, chain.config.clone()).genesis();
    let engine = EvmEngine::in_memory(genesis.clone()).unwrap();
    let found = compare_recorded(&engine, chain.amendments.clone(), &history).unwrap();
    assert_eq!(found, expected);
    assert_ne!(found.finalized, chain.genesis);

    // A hole in the history is no history.
    let engine = EvmEngine::in_memory(genesis).unwrap();
    let at = history.blocks.len() / 2;
    assert!(history.blocks[at].header.height > DaHeight(0));
    history.blocks.remove(at);
    let refused = compare_recorded(&engine, chain.amendments, &history);
    assert!(matches!(
        refused,
        Err(RecordedError::Drive(DriveError::Derive(_)))
    ));
}
