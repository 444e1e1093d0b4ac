//! One simulated block.

use super::{Planned, Simulation, refusal::refused, transfers::Logs};
use crate::{
    ethereum::Rules,
    machine::{self, Environment, Facts, Refusal},
    rpc::{
        error::{Answer, EthError, revert_message},
        replay::{self, Failure, Guard, Run, Weight, system_calls},
        request::CallRequest,
        shapes,
        transaction::{Defaults, unsigned},
    },
};
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header, ReceiptEnvelope, TxEnvelope, proofs, transaction::Recovered,
};
use alloy_eips::{eip2718::Encodable2718 as _, eip4895::Withdrawal, eip7685::EMPTY_REQUESTS_HASH};
use alloy_network_primitives::BlockTransactions;
use alloy_primitives::{Address, B256, Bloom, U256, logs_bloom};
use alloy_rpc_types_eth::{
    Block, Log, Transaction,
    simulate::{SimCallResult, SimulateError, SimulatedBlock},
};
use revm::{
    Database as _, DatabaseCommit as _, context_interface::result::ExecutionResult,
    primitives::hardfork::SpecId,
};
use rollwright_core::StateAccess as _;

/// What the calls of a block add up to.
#[derive(Default)]
struct Made {
    transactions: Vec<(TxEnvelope, Address)>,
    receipts: Vec<ReceiptEnvelope>,
    results: Vec<SimCallResult>,
    gas_used: u64,
    logs: u64,
}

impl Simulation<'_> {
    /// Makes one block; its header, and the answer.
    pub(super) fn block(
        &mut self,
        parent: &Header,
        planned: Planned,
    ) -> Answer<(Header, SimulatedBlock)> {
        let chain = &self.api.chain;
        // Once merged, a chain stays so.
        let merged = chain.has_merged(parent);
        let spec = chain.spec_at(planned.number, planned.timestamp, merged);
        let mut header = self.open(parent, &planned, spec);
        let mut environment = machine::environment(chain, spec, &header);
        let cfg = &mut environment.cfg;
        cfg.disable_nonce_check = !self.validation;
        cfg.disable_eip3607 = true;
        cfg.disable_block_gas_limit = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        cfg.tx_chain_id_check = false;
        if let (Some(price), Some(blob)) = (
            planned.overrides.machine.block.blob_base_fee,
            &mut environment.block.blob_excess_gas_and_price,
        ) {
            blob.blob_gasprice = price;
        }
        planned.overrides.check(environment.vm.precompiles())?;
        replay::apply(&mut self.state, &planned.overrides.machine)?;
        system_calls(&environment, &mut self.state, &header)?;

        let mut made = Made::default();
        for call in &planned.calls {
            if self.stop.asked() {
                return Err(EthError::server("execution aborted"));
            }
            self.call(&mut made, call, &planned, &header, &mut environment)?;
        }
        self.credit(&planned.withdrawals)?;
        self.seal(&mut header, &made, &planned.withdrawals)?;
        let hash = header.hash_slow();
        self.state
            .cache
            .block_hashes
            .insert(U256::from(header.number), hash);
        let answer = self.answer(&header, hash, made, planned.withdrawals);
        Ok((header, answer))
    }

    /// What is known of the header before the calls.
    fn open(&self, parent: &Header, planned: &Planned, spec: SpecId) -> Header {
        let chain = &self.api.chain;
        let with = &planned.overrides.machine.block;
        let since = |fork: SpecId| spec.is_enabled_in(fork);
        // Without validation calls pay nothing unless they say otherwise.
        let base_fee = with.base_fee.unwrap_or(match self.validation {
            true => machine::next_base_fee(parent),
            false => 0,
        });
        let rules = Rules::at(chain, planned.number, planned.timestamp, U256::MAX);
        let excess = parent
            .next_block_excess_blob_gas(rules.blobs())
            .unwrap_or(0);
        Header {
            parent_hash: parent.hash_slow(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: with.fee_recipient.unwrap_or(parent.beneficiary),
            difficulty: parent.difficulty,
            number: planned.number,
            gas_limit: with.gas_limit.unwrap_or(parent.gas_limit),
            timestamp: planned.timestamp,
            mix_hash: with.prev_randao.unwrap_or_default(),
            base_fee_per_gas: since(SpecId::LONDON).then_some(base_fee),
            blob_gas_used: since(SpecId::CANCUN).then_some(0),
            excess_blob_gas: since(SpecId::CANCUN).then_some(excess),
            parent_beacon_block_root: since(SpecId::CANCUN).then_some(planned.beacon_root),
            requests_hash: since(SpecId::PRAGUE).then_some(EMPTY_REQUESTS_HASH),
            withdrawals_root: since(SpecId::SHANGHAI)
                .then(|| proofs::calculate_withdrawals_root(&planned.withdrawals)),
            ..Header::default()
        }
    }

    fn call(
        &mut self,
        made: &mut Made,
        call: &CallRequest,
        planned: &Planned,
        header: &Header,
        environment: &mut Environment,
    ) -> Answer<()> {
        let chain_id = self.api.chain.chain_id;
        call.check(chain_id)?;
        let from = call.from.unwrap_or_default();
        let nonce = match call.nonce {
            Some(nonce) => nonce,
            None => {
                let account = self.state.basic(from).map_err(EthError::from)?;
                account.unwrap_or_default().nonce
            }
        };
        let left = header.gas_limit.saturating_sub(made.gas_used);
        let gas = call.gas.unwrap_or(left);
        if gas > left {
            return Err(EthError::Coded {
                code: -38015,
                message: format!(
                    "block gas limit reached: {} >= {}",
                    made.gas_used.saturating_add(gas),
                    header.gas_limit
                ),
            });
        }
        let free = Defaults {
            chain_id,
            nonce,
            gas: gas.min(self.gas_left),
            max_fee_per_gas: 0,
            max_priority_fee_per_gas: 0,
        };
        let (envelope, tx) = unsigned(call, &free)?;
        environment.cfg.disable_base_fee = !self.validation && tx.gas_price == 0;
        let facts = Facts {
            gas_limit: tx.gas_limit,
            ..Facts::of(chain_id, header)
        };
        let run = Run {
            environment,
            tx: &tx,
            moves: &planned.overrides.moves,
            facts,
            room: self.api.config.max_trace_bytes,
        };
        let guard = Guard::new(self.stop, Weight::default(), run.room);
        let watching = (guard, Logs::new(self.trace_transfers));
        let ((result, logs), changes) = run.watch_or(
            &mut self.state,
            watching,
            |(_, logs), done, _| Ok((done.result.clone(), logs.take())),
            |failure| match failure {
                Failure::Transaction(invalid) => {
                    refused(&Refusal::from_revm(invalid, &run.facts), &tx)
                }
                failure => run.refused(failure),
            },
        )?;
        self.state.commit(changes);
        let gas_used = result.tx_gas_used();
        self.gas_left = self.gas_left.saturating_sub(gas_used);
        let place = Place {
            header,
            hash: *envelope.tx_hash(),
            index: made.transactions.len() as u64,
            first_log: made.logs,
        };
        made.logs += logs.len() as u64;
        made.gas_used += gas_used;
        made.results.push(place.result(&result, logs));
        let receipt = machine::receipt(envelope.tx_type(), result, made.gas_used);
        made.receipts.push(receipt);
        made.transactions.push((envelope, tx.caller));
        Ok(())
    }

    /// EIP-4895.
    fn credit(&mut self, withdrawals: &[Withdrawal]) -> Answer<()> {
        for withdrawal in withdrawals {
            let account = self.state.load_account(withdrawal.address);
            let mut info = account.map_err(EthError::from)?.info().unwrap_or_default();
            info.balance = info.balance.saturating_add(withdrawal.amount_wei());
            self.state.insert_account_info(withdrawal.address, info);
        }
        Ok(())
    }

    /// Roots and sums, now that the calls are done.
    fn seal(&self, header: &mut Header, made: &Made, withdrawals: &[Withdrawal]) -> Answer<()> {
        debug_assert!(
            header.withdrawals_root.is_none()
                || header.withdrawals_root == Some(proofs::calculate_withdrawals_root(withdrawals))
        );
        let transactions: Vec<&TxEnvelope> = made.transactions.iter().map(|(tx, _)| tx).collect();
        header.transactions_root = proofs::calculate_transaction_root(&transactions);
        header.receipts_root = proofs::calculate_receipt_root(&made.receipts);
        header.gas_used = made.gas_used;
        let logs = made.receipts.iter().flat_map(|receipt| receipt.logs());
        header.logs_bloom = match made.receipts.is_empty() {
            true => Bloom::ZERO,
            false => logs_bloom(logs),
        };
        let mut state = self.api.store.begin(&self.base)?;
        header.state_root = state.commit(replay::changes(&self.state))?;
        Ok(())
    }

    fn answer(
        &self,
        header: &Header,
        hash: B256,
        made: Made,
        withdrawals: Vec<Withdrawal>,
    ) -> SimulatedBlock {
        let Made {
            transactions,
            mut results,
            ..
        } = made;
        for result in &mut results {
            for log in &mut result.logs {
                log.block_hash = Some(hash);
            }
        }
        let encoded: usize = transactions.iter().map(|(tx, _)| in_block(tx)).sum();
        let size = shapes::size_of(header, encoded, &withdrawals);
        let hashes = transactions.iter().map(|(tx, _)| *tx.tx_hash());
        let transactions = match self.full {
            false => BlockTransactions::Hashes(hashes.collect()),
            true => BlockTransactions::Full(
                transactions
                    .into_iter()
                    .enumerate()
                    .map(|(index, (tx, from))| Transaction {
                        effective_gas_price: Some(effective(&tx, header)),
                        inner: Recovered::new_unchecked(tx, from),
                        block_hash: Some(hash),
                        block_number: Some(header.number),
                        transaction_index: Some(index as u64),
                        block_timestamp: Some(header.timestamp),
                    })
                    .collect(),
            ),
        };
        let withdrawals = header.withdrawals_root.map(|_| withdrawals.into());
        SimulatedBlock {
            inner: Block {
                header: alloy_rpc_types_eth::Header {
                    hash,
                    inner: header.clone(),
                    total_difficulty: None,
                    size: Some(U256::from(size)),
                },
                uncles: Vec::new(),
                transactions,
                withdrawals,
            },
            calls: results,
        }
    }
}

/// Length in a block's list of transactions: a typed one is a byte string.
fn in_block(tx: &TxEnvelope) -> usize {
    let bytes = tx.encode_2718_len();
    match tx.is_legacy() {
        true => bytes,
        false => bytes + alloy_rlp::length_of_length(bytes),
    }
}

fn effective(tx: &TxEnvelope, header: &Header) -> u128 {
    use alloy_consensus::Transaction as _;
    tx.effective_gas_price(header.base_fee_per_gas)
}

/// Where a call stands.
struct Place<'a> {
    header: &'a Header,
    hash: B256,
    index: u64,
    first_log: u64,
}

impl Place<'_> {
    fn result(&self, result: &ExecutionResult, logs: Vec<alloy_primitives::Log>) -> SimCallResult {
        let gas = result.gas();
        let (output, error) = match result {
            ExecutionResult::Success { output, .. } => (output.data().clone(), None),
            ExecutionResult::Revert { output, .. } => (
                Default::default(),
                Some(SimulateError {
                    code: SimulateError::EXECUTION_REVERTED_CODE,
                    message: revert_message(output),
                    data: Some(output.clone()),
                }),
            ),
            ExecutionResult::Halt { reason, .. } => (
                Default::default(),
                Some(SimulateError {
                    code: SimulateError::VM_EXECUTION_ERROR_CODE,
                    message: machine::halt_reason(reason),
                    data: None,
                }),
            ),
        };
        SimCallResult {
            return_data: output,
            logs: logs
                .into_iter()
                .zip(self.first_log..)
                .map(|(inner, index)| Log {
                    inner,
                    block_hash: None,
                    block_number: Some(self.header.number),
                    block_timestamp: Some(self.header.timestamp),
                    transaction_hash: Some(self.hash),
                    transaction_index: Some(self.index),
                    log_index: Some(index),
                    removed: false,
                })
                .collect(),
            gas_used: result.tx_gas_used(),
            max_used_gas: Some(gas.total_gas_spent().max(gas.floor_gas())),
            status: result.is_success(),
            error,
        }
    }
}
