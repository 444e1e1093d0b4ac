use super::{BlockError, StateRoot, Violation, changes::changes, rules::Rules, transaction};
use crate::machine::{
    Refusal, TxEnvelope,
    db::{StateDb, StateFailed},
    env::{block_env, cfg_env},
    refusal::Facts,
};
use alloc::{format, vec::Vec};
use alloy_consensus::{
    Eip658Value, Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction, TxType,
};
use alloy_primitives::{Address, B256, Bytes, Log, logs_bloom, map::AddressMap};
use core::fmt::{Debug, Display};
use revm::{
    Database, DatabaseCommit, ExecuteCommitEvm, MainBuilder, MainnetEvm, SystemCallCommitEvm,
    context::{BlockEnv, CfgEnv, Context, TxEnv},
    context_interface::{
        ContextTr,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    database::{State, states::bundle_state::BundleRetention},
    database_interface::bal::EvmDatabaseError,
    handler::MainnetContext,
    primitives::{KECCAK_EMPTY, hardfork::SpecId},
    state::Account,
};
use rollwright_core::Changes;

type Db<'a, S> = State<StateDb<'a, S>>;
type Failure = EVMError<EvmDatabaseError<StateFailed>, InvalidTransaction>;

/// One block of Ethereum under execution. Every transaction is committed to an
/// overlay before the next begins, which the rules before EIP-161 need.
#[derive(Debug)]
pub(crate) struct Executor<'a, S: StateRoot> {
    evm: MainnetEvm<MainnetContext<Db<'a, S>>>,
    pub(super) number: u64,
    gas_limit: u64,
    pub(super) gas_used: u64,
    pub(super) receipts: Vec<ReceiptEnvelope>,
    pub(super) senders: Vec<Address>,
}

/// What a block's transactions see of rules and header.
pub(crate) fn environment(rules: &Rules<'_>, header: &Header) -> (CfgEnv, BlockEnv) {
    let mut cfg = cfg_env(rules.config, rules.spec, header.timestamp);
    if rules.has(SpecId::CANCUN) {
        cfg.max_blobs_per_tx = Some(rules.blobs().max_blobs_per_tx);
    }
    (cfg, block_env(rules.config, rules.spec, header))
}

impl<'a, S: StateRoot> Executor<'a, S> {
    pub(crate) fn new(cfg: CfgEnv, block: BlockEnv, state: &'a mut S) -> Self {
        let overlay = State::builder()
            .with_database(StateDb::new(state))
            .with_bundle_update()
            .build();
        let (spec, gas_limit) = (cfg.spec, block.gas_limit);
        let number = block.number.saturating_to();
        let mut context: MainnetContext<Db<'a, S>> = Context::new(overlay, spec);
        context.cfg = cfg;
        context.block = block;
        Self {
            evm: context.build_mainnet(),
            number,
            gas_limit,
            gas_used: 0,
            receipts: Vec::new(),
            senders: Vec::new(),
        }
    }

    /// Executes one transaction of the block, and keeps its receipt.
    pub(super) fn transact(
        &mut self,
        rules: &Rules<'_>,
        index: usize,
        tx: &TxEnvelope,
        sender: Option<Address>,
    ) -> Result<(), BlockError<S::Error>> {
        let number = self.number;
        let refuse = |refusal| {
            BlockError::Invalid(Violation::Transaction {
                number,
                index,
                refusal,
            })
        };
        let left = self.gas_limit.saturating_sub(self.gas_used);
        if tx.gas_limit() > left {
            return Err(refuse(Refusal::NoGasLeft {
                have: tx.gas_limit(),
                left,
            }));
        }
        let env = transaction::env_of(rules, tx, sender).map_err(refuse)?;
        let sender = env.caller;
        let result = self.run(env)?.map_err(refuse)?;
        self.gas_used = self.gas_used.saturating_add(result.tx_gas_used());
        let status = match rules.has(SpecId::BYZANTIUM) {
            true => Eip658Value::Eip658(result.is_success()),
            false => Eip658Value::PostState(self.root()?),
        };
        self.keep(tx.tx_type(), status, result);
        self.senders.push(sender);
        Ok(())
    }

    fn keep(&mut self, tx_type: TxType, status: Eip658Value, result: ExecutionResult) {
        let logs = logs_of(result);
        let bloom = logs_bloom(logs.iter());
        let receipt = Receipt {
            status,
            cumulative_gas_used: self.gas_used,
            logs,
        };
        self.receipts.push(ReceiptEnvelope::from_typed(
            tx_type,
            ReceiptWithBloom::new(receipt, bloom),
        ));
    }

    /// Executes and commits to the overlay. `Ok(Err(_))` leaves everything as
    /// it was.
    pub(crate) fn run(
        &mut self,
        tx: TxEnv,
    ) -> Result<Result<ExecutionResult, Refusal>, BlockError<S::Error>> {
        let gas_limit = tx.gas_limit;
        match self.evm.transact_commit(tx) {
            Ok(result) => Ok(Ok(result)),
            Err(EVMError::Transaction(error)) => {
                let context = &self.evm.ctx;
                Ok(Err(Refusal::from_revm(
                    error,
                    &Facts {
                        chain_id: context.cfg.chain_id,
                        base_fee: context.block.basefee,
                        gas_limit,
                        block_gas_limit: self.gas_limit,
                    },
                )))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// A call by the system address; what it returned, and whether it
    /// succeeded.
    pub(super) fn system_call(
        &mut self,
        address: Address,
        data: Bytes,
    ) -> Result<(bool, Bytes), BlockError<S::Error>> {
        match self.evm.system_call_commit(address, data) {
            Ok(result) => Ok((
                result.is_success(),
                result.output().cloned().unwrap_or_default(),
            )),
            Err(error) => Err(self.failed(&error)),
        }
    }

    pub(super) fn has_code(&mut self, address: Address) -> Result<bool, BlockError<S::Error>> {
        let account = self.load(address)?;
        Ok(account.info.code_hash != KECCAK_EMPTY)
    }

    /// Gives ether. The addresses are distinct; nothing is done for nothing.
    pub(crate) fn give(&mut self, amounts: AddressMap<u128>) -> Result<(), BlockError<S::Error>> {
        for (address, amount) in amounts {
            let mut account = self.load(address)?;
            let amount = alloy_primitives::U256::from(amount);
            account.info.balance = account.info.balance.saturating_add(amount);
            self.store(address, account);
        }
        Ok(())
    }

    /// Moves all ether of `from` to `to`. All of them exist afterwards, as they
    /// do wherever clients do it.
    pub(super) fn sweep(
        &mut self,
        from: &[Address],
        to: Address,
    ) -> Result<(), BlockError<S::Error>> {
        for address in from {
            let mut account = self.load(*address)?;
            let amount = core::mem::take(&mut account.info.balance);
            self.store(*address, account);
            let mut receiver = self.load(to)?;
            receiver.info.balance = receiver.info.balance.saturating_add(amount);
            self.store(to, receiver);
        }
        Ok(())
    }

    fn load(&mut self, address: Address) -> Result<Account, BlockError<S::Error>> {
        match self.evm.ctx.db_mut().basic(address) {
            Ok(Some(info)) => Ok(Account::from(info)),
            Ok(None) => Ok(Account::new_not_existing(Default::default())),
            Err(error) => Err(self.failed(&EVMError::Database(error))),
        }
    }

    fn store(&mut self, address: Address, mut account: Account) {
        account.mark_touch();
        if !self.evm.ctx.cfg.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON) && account.is_empty() {
            // The overlay takes away what is empty; before EIP-161 it exists.
            account.mark_created();
        }
        let overlay = self.evm.ctx.db_mut();
        overlay.commit(AddressMap::from_iter([(address, account)]));
    }

    /// Everything that changed since the parent's state.
    pub(crate) fn changes(&mut self) -> Changes {
        let overlay = self.evm.ctx.db_mut();
        overlay.merge_transitions(BundleRetention::PlainState);
        changes(&overlay.bundle_state)
    }

    /// The state root as things stand.
    pub(crate) fn root(&mut self) -> Result<B256, BlockError<S::Error>> {
        let changes = self.changes();
        self.root_of(&changes)
    }

    /// The state root with these changes.
    pub(super) fn root_of(&mut self, changes: &Changes) -> Result<B256, BlockError<S::Error>> {
        let state = &mut *self.evm.ctx.db_mut().database.state;
        state.root_with(changes).map_err(BlockError::State)
    }

    /// Commits the changes to the state access; returns the root.
    pub(super) fn commit(mut self, changes: Changes) -> Result<B256, BlockError<S::Error>> {
        let state = &mut *self.evm.ctx.db_mut().database.state;
        state.commit(changes).map_err(BlockError::State)
    }

    /// The state access's own failure, or what makes the block invalid whoever
    /// executes it.
    fn failed(&mut self, error: &Failure) -> BlockError<S::Error>
    where
        S::Error: Debug + Display,
    {
        match self.evm.ctx.db_mut().database.failure.take() {
            Some(failure) => BlockError::State(failure),
            None => BlockError::Invalid(Violation::System {
                number: self.number,
                reason: format!("the EVM refused to execute: {error}"),
            }),
        }
    }
}

/// Logs of what was undone are undone with it.
pub(crate) fn logs_of(result: ExecutionResult) -> Vec<Log> {
    match result.is_success() {
        true => result.into_logs(),
        false => Vec::new(),
    }
}
