use super::{Outcome, PrecompileTable, table::Own};
use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
};
use alloy_primitives::{Address, map::AddressSet};
use revm::{
    context::LocalContextTr,
    context_interface::{Cfg, ContextTr, JournalTr},
    handler::{PrecompileProvider, precompile_output_to_interpreter_result},
    interpreter::{CallInputs, InterpreterResult},
    precompile::{PrecompileHalt, PrecompileOutput, PrecompileSpecId, Precompiles},
    primitives::hardfork::SpecId,
};

/// The precompiles that one block has, for revm. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ChainPrecompiles(Set);

#[derive(Clone, Debug)]
enum Set {
    Fork(&'static Precompiles),
    Chain(Arc<PrecompileTable>),
}

impl ChainPrecompiles {
    pub(crate) fn new(fork: SpecId, table: Option<Arc<PrecompileTable>>) -> Self {
        Self(match table {
            Some(table) => Set::Chain(table),
            None => Set::Fork(Precompiles::new(PrecompileSpecId::from_spec_id(fork))),
        })
    }

    pub(crate) fn addresses(&self) -> &AddressSet {
        match &self.0 {
            Set::Fork(known) => known.addresses_set(),
            Set::Chain(table) => &table.addresses,
        }
    }

    #[cfg(feature = "rpc")]
    pub(crate) fn contains(&self, address: &Address) -> bool {
        self.addresses().contains(address)
    }

    /// Names and addresses, in no order.
    #[cfg(feature = "rpc")]
    pub(crate) fn named(&self) -> impl Iterator<Item = (String, Address)> {
        let known = self.known();
        let own = match &self.0 {
            Set::Fork(_) => None,
            Set::Chain(table) => Some(&table.own),
        };
        known
            .addresses()
            .filter_map(|address| Some((known.get(address)?.id().name().to_string(), *address)))
            .chain(
                own.into_iter()
                    .flatten()
                    .map(|(address, own)| (own.label.clone(), *address)),
            )
    }

    fn known(&self) -> &Precompiles {
        match &self.0 {
            Set::Fork(known) => known,
            Set::Chain(table) => &table.known,
        }
    }

    fn output(
        &self,
        address: &Address,
        input: &[u8],
        gas_limit: u64,
        reservoir: u64,
    ) -> Result<Option<PrecompileOutput>, String> {
        if let Set::Chain(table) = &self.0
            && let Some(own) = table.own.get(address)
        {
            return run_own(own, input, gas_limit, reservoir).map(Some);
        }
        self.known()
            .get(address)
            .map(|precompile| precompile.execute(input, gas_limit, reservoir))
            .transpose()
            .map_err(|error| error.to_string())
    }
}

fn run_own(
    own: &Own,
    input: &[u8],
    gas_limit: u64,
    reservoir: u64,
) -> Result<PrecompileOutput, String> {
    let run = own
        .run
        .ok_or_else(|| format!("this program has no code for the precompile {}", own.label))?;
    Ok(match run(input, gas_limit) {
        Outcome::Success { gas_used, output } => PrecompileOutput::new(gas_used, output, reservoir),
        Outcome::Revert { gas_used, output } => {
            PrecompileOutput::revert(gas_used, output, reservoir)
        }
        Outcome::OutOfGas => PrecompileOutput::halt(PrecompileHalt::OutOfGas, reservoir),
        Outcome::Failure(why) => {
            PrecompileOutput::halt(PrecompileHalt::other_static(why), reservoir)
        }
    })
}

impl<CTX> PrecompileProvider<CTX> for ChainPrecompiles
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
        if !self.addresses().contains(&inputs.bytecode_address) {
            return Ok(None);
        }
        let output = self.output(
            &inputs.bytecode_address,
            &inputs.input.as_bytes(context),
            inputs.gas_limit,
            inputs.reservoir,
        )?;
        let Some(output) = output else {
            return Ok(None);
        };
        // What a transaction that calls it directly is told.
        if let Some(reason) = output.halt_reason()
            && !reason.is_oog()
            && context.journal().depth() == 1
        {
            let reason = reason.to_string();
            context.local_mut().set_precompile_error_context(reason);
        }
        Ok(Some(precompile_output_to_interpreter_result(
            output,
            inputs.gas_limit,
        )))
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.addresses()
    }
}
