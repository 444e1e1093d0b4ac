use super::{
    db::StateFailed,
    env::{Evm, below_floor, environment, evm},
    receipt::receipt,
    refusal::{Facts, Refusal},
    rules::{Frame, invalid, open_header},
    size::BlockSize,
    system,
    transaction::{Pretended, RecoveredTx},
};
use crate::genesis::{ChainConfig, Eip};
use alloc::{format, sync::Arc, vec::Vec};
use alloy_consensus::{Header, ReceiptEnvelope, Transaction};
use revm::{
    ExecuteEvm,
    context_interface::{
        ContextTr, JournalTr, LocalContextTr,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    handler::{EthFrame, Handler, MainnetHandler},
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
};
use rollwright_core::{ApplyError, StateAccess};

/// What revm returns instead of a result.
pub(super) type EvmFailure = EVMError<StateFailed, InvalidTransaction>;

/// One block under execution. The only way in which this crate executes a
/// block's transactions.
#[derive(Debug)]
pub(super) struct BlockExecutor<'a, S: StateAccess> {
    pub(super) evm: Evm<'a, S>,
    pub(super) spec: SpecId,
    pub(super) header: Header,
    pub(super) size: BlockSize,
    pub(super) gas_used: u64,
    pub(super) transactions: Vec<Arc<RecoveredTx>>,
    pub(super) receipts: Vec<ReceiptEnvelope>,
    chain_id: u64,
}

impl<'a, S: StateAccess> BlockExecutor<'a, S> {
    /// Checks the frame, and makes the calls that come before transactions.
    pub(super) fn open(
        config: &ChainConfig,
        parent: &Header,
        frame: &Frame<'_>,
        state: &'a mut S,
    ) -> Result<Self, ApplyError<S::Error>> {
        let (header, spec) = open_header(config, parent, frame).map_err(ApplyError::Invalid)?;
        let limited =
            spec.is_enabled_in(SpecId::OSAKA) || config.eips_at(frame.timestamp).has(Eip::Eip7934);
        let mut evm = evm(environment(config, spec, &header), state);
        let root = header.parent_beacon_block_root.unwrap_or_default();
        system::before(&mut evm, spec, frame.parent_hash, root)?;
        Ok(Self {
            evm,
            spec,
            size: BlockSize::new(&header, limited),
            header,
            gas_used: 0,
            transactions: Vec::new(),
            receipts: Vec::new(),
            chain_id: config.chain_id,
        })
    }

    /// Puts into the header what a sandbox was asked for; before the first
    /// transaction.
    pub(super) fn pretend(&mut self, what: Pretended) {
        if let Some(random) = what.prev_randao {
            self.header.mix_hash = random;
            self.evm.ctx.block.prevrandao = Some(random);
        }
        if let Some(fee) = what.base_fee {
            self.header.base_fee_per_gas = Some(fee);
            self.evm.ctx.block.basefee = fee;
            // Its length in the header may be another.
            self.size = BlockSize::new(&self.header, self.spec.is_enabled_in(SpecId::OSAKA));
        }
    }

    /// Gas left in the block.
    pub(super) const fn gas_left(&self) -> u64 {
        self.header.gas_limit.saturating_sub(self.gas_used)
    }

    /// Executes one more transaction. `Ok(Err(_))` leaves everything as it
    /// was; `Ok(Ok(gas))` is the gas it used.
    pub(super) fn transact(
        &mut self,
        tx: &Arc<RecoveredTx>,
    ) -> Result<Result<u64, Refusal>, ApplyError<S::Error>> {
        let left = self.gas_left();
        let gas_limit = tx.envelope().gas_limit();
        if gas_limit > left && gas_limit <= self.header.gas_limit {
            return Ok(Err(Refusal::NoGasLeft {
                have: gas_limit,
                left,
            }));
        }
        let env = tx.env();
        if let Some(error) = below_floor(&self.evm.ctx.cfg, &env) {
            return self.refused(tx, error.into()).map(Err);
        }
        let result = match self.evm.transact_one(env) {
            Ok(result) => result,
            Err(error) => return self.refused(tx, error).map(Err),
        };
        let gas = result.tx_gas_used();
        self.include(tx, result, gas);
        Ok(Ok(gas))
    }

    fn include(&mut self, tx: &Arc<RecoveredTx>, result: ExecutionResult, gas: u64) {
        self.gas_used = self.gas_used.saturating_add(gas);
        self.size.add(tx.bytes());
        let tx_type = tx.envelope().tx_type();
        self.receipts.push(receipt(tx_type, result, self.gas_used));
        self.transactions.push(Arc::clone(tx));
    }

    /// Validates a transaction as if the block's base fee were zero, and
    /// leaves everything as it was.
    pub(super) fn validate_without_base_fee(
        &mut self,
        tx: &RecoveredTx,
    ) -> Result<Result<(), Refusal>, ApplyError<S::Error>> {
        let base_fee = core::mem::take(&mut self.evm.ctx.block.basefee);
        self.evm.ctx.tx = tx.env();
        let verdict = match below_floor(&self.evm.ctx.cfg, &self.evm.ctx.tx) {
            Some(error) => Err(error.into()),
            None => validate(&mut self.evm),
        };
        self.evm.ctx.local_mut().clear();
        self.evm.ctx.journal_mut().discard_tx();
        self.evm.ctx.block.basefee = base_fee;
        match verdict {
            Ok(()) => Ok(Ok(())),
            Err(error) => self.refused(tx, error).map(Err),
        }
    }

    fn refused(
        &mut self,
        tx: &RecoveredTx,
        error: EvmFailure,
    ) -> Result<Refusal, ApplyError<S::Error>> {
        match error {
            EVMError::Transaction(error) => Ok(Refusal::from_revm(
                error,
                &Facts {
                    chain_id: self.chain_id,
                    base_fee: self.header.base_fee_per_gas.unwrap_or_default(),
                    gas_limit: tx.envelope().gas_limit(),
                    block_gas_limit: self.header.gas_limit,
                },
            )),
            error => Err(state_failure(&mut self.evm, &error)),
        }
    }
}

/// The validation half of the mainnet handler. The caller discards what it
/// did to the journal.
fn validate<S: StateAccess>(evm: &mut Evm<'_, S>) -> Result<(), EvmFailure> {
    MainnetHandler::<Evm<'_, S>, EvmFailure, EthFrame<EthInterpreter>>::default()
        .validate(evm)
        .map(drop)
}

/// An error of revm that is no verdict about a transaction: the state access's
/// own failure, or what makes the block invalid whoever executes it.
pub(super) fn state_failure<S: StateAccess>(
    evm: &mut Evm<'_, S>,
    error: &EvmFailure,
) -> ApplyError<S::Error> {
    match evm.ctx.db_mut().failure.take() {
        Some(failure) => ApplyError::State(failure),
        None => ApplyError::Invalid(invalid(format!("the EVM refused to execute: {error}"))),
    }
}
