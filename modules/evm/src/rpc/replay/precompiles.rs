use alloy_primitives::{Address, map::AddressMap};
use revm::{
    context_interface::{Cfg, ContextTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    primitives::{AddressSet, hardfork::SpecId},
};

/// Ethereum's precompiles, some of them under other addresses
/// (`movePrecompileToAddress`) and some of them gone.
#[derive(Clone, Debug)]
pub(crate) struct MovedPrecompiles {
    inner: EthPrecompiles,
    /// New address to old.
    moved: AddressMap<Address>,
    addresses: AddressSet,
}

impl MovedPrecompiles {
    pub(crate) fn new(spec: SpecId) -> Self {
        let inner = EthPrecompiles::new(spec);
        let addresses = inner.warm_addresses().clone();
        Self {
            inner,
            moved: AddressMap::default(),
            addresses,
        }
    }

    pub(crate) fn is_precompile(&self, address: &Address) -> bool {
        self.addresses.contains(address)
    }

    /// Moves them all at once; `false` names one that is no precompile.
    pub(crate) fn shift(&mut self, moves: &[(Address, Address)]) {
        let sources: Vec<Address> = moves
            .iter()
            .map(|(from, _)| self.moved.remove(from).unwrap_or(*from))
            .collect();
        for (from, _) in moves {
            self.addresses.remove(from);
        }
        for ((_, to), source) in moves.iter().zip(sources) {
            self.addresses.insert(*to);
            self.moved.insert(*to, source);
        }
    }
}

impl<CTX: ContextTr> PrecompileProvider<CTX> for MovedPrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <CTX::Cfg as Cfg>::Spec) -> bool {
        let spec: SpecId = spec.into();
        if spec == self.inner.spec {
            // Injected once more: a fresh journal knows none.
            return true;
        }
        *self = Self::new(spec);
        true
    }

    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if !self.addresses.contains(&inputs.bytecode_address) {
            return Ok(None);
        }
        match self.moved.get(&inputs.bytecode_address) {
            Some(source) => {
                let mut inputs = inputs.clone();
                inputs.bytecode_address = *source;
                self.inner.run(context, &inputs)
            }
            None => self.inner.run(context, inputs),
        }
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.addresses
    }
}
