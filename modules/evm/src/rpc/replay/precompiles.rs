use crate::precompile::ChainPrecompiles;
use alloy_primitives::{Address, map::AddressSet};
use revm::{
    context::Cfg,
    context_interface::ContextTr,
    handler::PrecompileProvider,
    interpreter::{CallInputs, InterpreterResult},
    primitives::hardfork::SpecId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where precompiles stand for one call: an override of a precompile's address
/// takes the precompile away, and may put it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    /// Addresses that are overridden in any way.
    pub(crate) overridden: BTreeSet<Address>,
    /// Precompile → its new address.
    pub(crate) moved: BTreeMap<Address, Address>,
}

impl Moves {
    /// True where a precompile of these is not where it was.
    pub(crate) fn concern(&self, known: &ChainPrecompiles) -> bool {
        !self.moved.is_empty() || self.overridden.iter().any(|a| known.contains(a))
    }

    /// The first address that is moved and holds no precompile.
    pub(crate) fn not_a_precompile(&self, known: &ChainPrecompiles) -> Option<Address> {
        self.moved
            .keys()
            .find(|from| !known.contains(from))
            .copied()
    }
}

/// The precompiles of a block, some of them elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct MovedPrecompiles {
    known: ChainPrecompiles,
    moves: Moves,
    warm: AddressSet,
}

impl MovedPrecompiles {
    pub(crate) fn new(known: &ChainPrecompiles, moves: &Moves) -> Self {
        let mut precompiles = Self {
            known: known.clone(),
            moves: moves.clone(),
            warm: AddressSet::default(),
        };
        precompiles.warm = precompiles.addresses();
        precompiles
    }

    fn addresses(&self) -> AddressSet {
        let moves = &self.moves;
        let staying = self.known.addresses().iter();
        let staying = staying.filter(|address| !moves.overridden.contains(*address));
        staying.chain(moves.moved.values()).copied().collect()
    }

    /// The address under which the fork knows what stands at `address`.
    fn origin(&self, address: Address) -> Option<Address> {
        let mut moved = self.moves.moved.iter().rev();
        match moved.find(|(_, to)| **to == address) {
            Some((from, _)) => Some(*from),
            None if self.moves.overridden.contains(&address) => None,
            None => Some(address),
        }
    }
}

impl<CTX> PrecompileProvider<CTX> for MovedPrecompiles
where
    CTX: ContextTr<Cfg: Cfg<Spec = SpecId>>,
{
    type Output = InterpreterResult;

    /// The set is that of one block, whose rules do not change.
    fn set_spec(&mut self, _: SpecId) -> bool {
        false
    }

    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if self.moves.overridden.is_empty() {
            return self.known.run(context, inputs);
        }
        let Some(origin) = self.origin(inputs.bytecode_address) else {
            return Ok(None);
        };
        let mut inputs = inputs.clone();
        inputs.bytecode_address = origin;
        self.known.run(context, &inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}
