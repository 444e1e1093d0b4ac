use super::{DEV, SEPOLIA, dev};
use crate::{genesis::Genesis, machine::MemoryState};
use alloy_primitives::{B256, b256};

#[test]
fn the_checked_in_file_gives_the_checked_in_hashes() {
    let genesis = Genesis::from_json(DEV).expect("valid");
    let block = genesis.block().expect("valid");
    assert_eq!(
        [
            genesis.config.hash(),
            block.header.state_root,
            block.rollup_id()
        ],
        [
            b256!("0x58ceee5534ec8aeb77cd90afafca547d92fe4943432497b267c8c86418021cf2"),
            b256!("0x2c7fb4df5973a86e4df7576232f1ad8f6e9c4486666e02e96c9ad9e89de445a2"),
            b256!("0x234ec5cf012cc9e8859a9f1d284d9734fe556ba74c7efa1c891df927527c4e78")
        ]
    );
}

#[test]
fn the_genesis_header_holds_the_hash_of_the_configuration() {
    let genesis = dev();
    let block = genesis.block().expect("valid");
    assert_eq!(
        block.header.extra_data.as_ref(),
        genesis.config.hash().as_slice()
    );
    assert_eq!(block.header.base_fee_per_gas, Some(1_000_000_000));
    assert_eq!(block.header.parent_beacon_block_root, Some(B256::ZERO));
    assert_eq!(block.block_ref().number, 0);
}

#[test]
fn sepolias_genesis_block_is_sepolias() {
    let block = Genesis::from_json(SEPOLIA)
        .expect("valid")
        .block()
        .expect("valid");
    assert_eq!(
        block.rollup_id(),
        b256!("0x25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9")
    );
}

#[test]
fn the_changes_make_the_state_of_the_header() {
    for genesis in [dev(), Genesis::from_json(SEPOLIA).expect("valid")] {
        let block = genesis.block().expect("valid");
        assert_eq!(
            MemoryState::new().apply(&block.changes),
            block.header.state_root
        );
        assert!(
            block
                .changes
                .accounts
                .is_sorted_by_key(|(address, _)| *address)
        );
        assert!(block.changes.codes.is_sorted_by_key(|(hash, _)| *hash));
    }
}

#[test]
fn every_part_of_the_configuration_changes_the_genesis_hash() {
    let genesis = dev();
    let id = |genesis: &Genesis| genesis.block().expect("valid").rollup_id();
    let first = id(&genesis);
    let edits: [fn(&mut Genesis); 6] = [
        |g| g.config.chain_id += 1,
        |g| g.config.osaka_time = None,
        |g| g.config.osaka_time = Some(1),
        |g| g.config.blob_schedule.clear(),
        |g| g.config.rollwright.as_mut().expect("a rollup").salt = B256::repeat_byte(1),
        |g| g.timestamp += 1,
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let mut other = genesis.clone();
        edit(&mut other);
        assert_ne!(id(&other), first, "edit {index}");
    }
}
