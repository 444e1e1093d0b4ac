use super::{precompiles::Moves, state::CachedState};
use crate::{
    machine,
    precompile::ChainPrecompiles,
    rpc::error::{Answer, EthError},
};
use alloy_primitives::{U256, map::HashMap};
use revm::bytecode::Bytecode;

/// What a call sees changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// Block and accounts.
    pub(crate) machine: machine::Overrides,
    /// Precompiles, which the machine itself does not move.
    pub(crate) moves: Moves,
}

impl Overrides {
    /// Refuses to move what is none of the precompiles, or where it is already.
    pub(crate) fn check(&self, known: &ChainPrecompiles) -> Answer<()> {
        if let Some(address) = self.moves.not_a_precompile(known) {
            return Err(EthError::server(format!(
                "account {address} is not a precompile"
            )));
        }
        match self.moves.moved.iter().find(|(from, to)| from == to) {
            Some((address, _)) => Err(EthError::Coded {
                code: -38022,
                message: format!("account {address} is moved to itself"),
            }),
            None => Ok(()),
        }
    }
}

/// Puts a call's state overrides into the cache.
pub(crate) fn apply(state: &mut CachedState, overrides: &machine::Overrides) -> Answer<()> {
    for (address, with) in &overrides.state {
        let account = state.load_account(*address).map_err(EthError::from)?;
        let mut info = account.info().unwrap_or_default();
        info.balance = with.balance.unwrap_or(info.balance);
        info.nonce = with.nonce.unwrap_or(info.nonce);
        if let Some(code) = &with.code {
            let code = Bytecode::new_raw_checked(code.clone())
                .unwrap_or_else(|_| Bytecode::new_legacy(code.clone()));
            info.code_hash = code.hash_slow();
            info.code = Some(code);
        }
        state.insert_account_info(*address, info);
        if let Some(slots) = &with.state {
            let slots: HashMap<U256, U256> = slots
                .iter()
                .map(|(key, value)| ((*key).into(), *value))
                .collect();
            state
                .replace_account_storage(*address, slots.into_iter().collect())
                .map_err(EthError::from)?;
        }
        for (key, value) in &with.state_diff {
            state
                .insert_account_storage(*address, (*key).into(), *value)
                .map_err(EthError::from)?;
        }
    }
    for (number, hash) in &overrides.block_hashes {
        state.cache.block_hashes.insert(U256::from(*number), *hash);
    }
    Ok(())
}
