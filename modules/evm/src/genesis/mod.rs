//! The chain configuration, `genesis.json` and the genesis block.
