use super::PrecompileFn;
use crate::genesis::{Eip, Eips};
use alloc::{collections::BTreeMap, format, string::String};
use alloy_primitives::{Address, map::AddressSet};
use revm::{
    precompile::{
        EthPrecompileResult, Precompile, PrecompileId, PrecompileSpecId, Precompiles, bls12_381,
        call_eth_precompile, modexp, secp256r1, u64_to_address,
    },
    primitives::hardfork::SpecId,
};
use rollwright_derive::PrecompileConfig;

/// Every precompile of a block: the fork's, the switched ones, the chain's own.
#[derive(Clone, Debug)]
pub(crate) struct PrecompileTable {
    pub(super) known: Precompiles,
    pub(super) own: BTreeMap<Address, Own>,
    pub(super) addresses: AddressSet,
    changed: bool,
}

/// A precompile of the chain's own.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) label: String,
    /// `None` where this program lacks it.
    pub(super) run: Option<PrecompileFn>,
}

impl PrecompileTable {
    /// `own` ascends by time: a later entry takes the place of an earlier one.
    pub(crate) fn new<'a>(
        fork: SpecId,
        eips: Eips,
        own: impl Iterator<Item = (&'a PrecompileConfig, Option<PrecompileFn>)>,
    ) -> Self {
        let mut known = Precompiles::new(PrecompileSpecId::from_spec_id(fork)).clone();
        let switched = known_changes(&mut known, fork, eips);
        let own: BTreeMap<Address, Own> = own
            .map(|(entry, run)| {
                let label = format!("{}/v{}", entry.name, entry.version);
                (entry.address, Own { label, run })
            })
            .collect();
        let addresses = known.addresses().chain(own.keys()).copied().collect();
        Self {
            changed: switched || !own.is_empty(),
            known,
            own,
            addresses,
        }
    }

    /// True where it is the fork's set.
    pub(crate) const fn is_forks_own(&self) -> bool {
        !self.changed
    }
}

/// Puts the switched precompiles into a fork's set; whether there were any.
fn known_changes(known: &mut Precompiles, fork: SpecId, eips: Eips) -> bool {
    let mut changed = false;
    let mut add = |on: bool, precompile: Precompile| {
        if on {
            known.extend([precompile]);
            changed = true;
        }
    };
    for precompile in bls12_381::precompiles() {
        let on = eips.has(Eip::Eip2537) && !fork.is_enabled_in(SpecId::PRAGUE);
        add(on, precompile);
    }
    if !fork.is_enabled_in(SpecId::OSAKA) {
        let p256 = eips.has(Eip::Eip7951);
        add(eips.has(Eip::Rip7212) && !p256, secp256r1::P256VERIFY);
        add(p256, secp256r1::P256VERIFY_OSAKA);
        let (bounded, dearer) = (eips.has(Eip::Eip7823), eips.has(Eip::Eip7883));
        add(bounded && dearer, modexp::OSAKA);
        add(bounded && !dearer, mod_exp(bounded_modexp));
        add(dearer && !bounded, mod_exp(dearer_modexp));
    }
    changed
}

const fn mod_exp(run: revm::precompile::PrecompileFn) -> Precompile {
    Precompile::new(PrecompileId::ModExp, u64_to_address(5), run)
}

/// MODEXP with EIP-7823's bounds at the price of EIP-2565.
fn bounded_modexp(
    input: &[u8],
    gas_limit: u64,
    reservoir: u64,
) -> revm::precompile::PrecompileResult {
    fn run(input: &[u8], gas_limit: u64) -> EthPrecompileResult {
        modexp::run_inner::<_, true>(input, gas_limit, 200, modexp::berlin_gas_calc)
    }
    Ok(call_eth_precompile(run, input, gas_limit, reservoir))
}

/// MODEXP at the price of EIP-7883 with operands of any size.
fn dearer_modexp(
    input: &[u8],
    gas_limit: u64,
    reservoir: u64,
) -> revm::precompile::PrecompileResult {
    fn run(input: &[u8], gas_limit: u64) -> EthPrecompileResult {
        modexp::run_inner::<_, false>(input, gas_limit, 500, modexp::osaka_gas_calc)
    }
    Ok(call_eth_precompile(run, input, gas_limit, reservoir))
}
