use crate::NodeError;
use alloy_primitives::Bytes;
use rollwright_core::{BlockRef, ChainStore};
use rollwright_derive::{Amendment, Derivable, Deriver, RECORD_PREFIX, Rules};
use std::sync::Arc;

/// Records read at once.
const PAGE: usize = 4_096;

/// The chain's rules, from its genesis and the amendments.
pub(crate) fn rules<E: Derivable>(
    execution: &E,
    genesis: BlockRef,
    amendments: Vec<Amendment>,
) -> Result<Arc<Rules>, NodeError> {
    let config = execution.rollup_config().as_ref().clone();
    Rules::new(genesis.hash, execution.config_digest(), config, amendments)
        .map(Arc::new)
        .map_err(|error| NodeError::Config {
            what: format!("the chain configuration is not valid: {error}"),
            help: "correct `config.rollwright` in genesis.json or the list of amendments".into(),
        })
}

/// The deriver as the store left it.
pub(crate) fn load_deriver<E: Derivable>(
    execution: &E,
    rules: Arc<Rules>,
    genesis: BlockRef,
) -> Result<Deriver<E::Codec>, NodeError> {
    let records = all_records(execution, RECORD_PREFIX)?;
    Deriver::load(
        rules,
        execution.codec(),
        genesis,
        execution.genesis_time(),
        records,
    )
    .map_err(NodeError::derive)
}

/// All records under a prefix.
pub(crate) fn all_records<S: ChainStore>(
    store: &S,
    prefix: &[u8],
) -> Result<Vec<(Bytes, Bytes)>, NodeError> {
    let mut all: Vec<(Bytes, Bytes)> = Vec::new();
    let mut from = prefix.to_vec();
    loop {
        let page = store
            .records(prefix, &from, PAGE)
            .map_err(NodeError::execution)?;
        let full = page.len() == PAGE;
        if let Some((key, _)) = page.last() {
            // The least key above the last one.
            from = key.to_vec();
            from.push(0);
        }
        all.extend(page);
        if !full {
            return Ok(all);
        }
    }
}
