use super::{EthereumBlock, Lineage, Violation, header, rules::Rules};
use crate::genesis::ChainConfig;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use alloy_consensus::Header;
use alloy_primitives::{B256, U256};

/// Yellow Paper §11.1: at most two ommers, each a valid child of an ancestor
/// two to seven generations up, and in no block before.
pub(super) fn check(
    config: &ChainConfig,
    lineage: &Lineage,
    block: &EthereumBlock,
) -> Result<(), Violation> {
    let ommers = &block.block.body.ommers;
    let number = block.header().number;
    if ommers.len() > 2 {
        return Err(Violation::field(
            number,
            "uncles",
            ommers.len(),
            "at most 2",
        ));
    }
    let mut known: Vec<B256> = lineage
        .ancestors()
        .flat_map(|ancestor| ancestor.ommers.iter().copied().chain([ancestor.hash]))
        .chain([block.hash()])
        .collect();
    for (index, ommer) in ommers.iter().enumerate() {
        let hash = ommer.hash_slow();
        let refuse = |reason: String| Violation::Ommer {
            number,
            index,
            reason,
        };
        if known.contains(&hash) {
            return Err(refuse(alloc::format!("{hash} is in the chain already")));
        }
        let parent = parent_of(lineage, ommer)
            .ok_or_else(|| refuse("its parent is not 2 to 7 generations up".into()))?;
        let rules = Rules::at(config, ommer.number, ommer.timestamp, U256::ZERO);
        header::check(&rules, parent, ommer).map_err(|error| refuse(error.to_string()))?;
        known.push(hash);
    }
    Ok(())
}

fn parent_of<'a>(lineage: &'a Lineage, ommer: &Header) -> Option<&'a Header> {
    lineage
        .ancestors()
        .skip(1)
        .find(|ancestor| ancestor.hash == ommer.parent_hash)
        .map(|ancestor| &ancestor.header)
}
