use super::{
    MemoryExecution, MemoryExecutionError, MemoryMachine, MemoryTx, Refusal, Result, lock, machine,
    store::{Scratch, Sealed, Volatile, check_keys},
};
use crate::{
    Admission, ApplyError, Attributes, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef,
    Built, Bytes, CandidateOutcome, CandidateSource, ChainStore, ExecuteOutcome, Execution,
    ExecutionCaps, ExecutionWitness, Header, Heads, ProofKey, RecordChange, StateMachine,
    StateProof,
};
use alloy_primitives::B256;
use std::sync::Arc;

impl ChainStore for MemoryExecution {
    type Error = MemoryExecutionError;

    fn heads(&self) -> Result<Heads> {
        lock(&self.store.0).heads.ok_or(MemoryExecutionError::Empty)
    }

    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>> {
        Ok(self.find(id).map(|block| block.record.clone()))
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>> {
        Ok(self.find(id).map(|block| block.header.clone()))
    }

    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>> {
        let found = self.find(BlockId::Hash(*hash));
        Ok(found.map(|block| block.effects.clone()))
    }

    fn record(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(lock(&self.store.0).records.get(key).cloned())
    }

    fn records(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        let start = Bytes::copy_from_slice(prefix.max(from));
        Ok(lock(&self.store.0)
            .records
            .range(start..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn put_records(&self, records: &[RecordChange]) -> Result<()> {
        check_keys(records)?;
        lock(&self.store.0).put(records);
        Ok(())
    }
}

impl Execution for MemoryExecution {
    async fn genesis(&self) -> Result<BlockRef> {
        let header = self.genesis.header();
        let wanted = header.hash_slow();
        let mut durable = lock(&self.store.0);
        if let Some(first) = durable.canonical.first() {
            let found = first.record.block;
            if found.hash != wanted {
                let found = found.hash;
                return Err(MemoryExecutionError::OtherChain { found, wanted });
            }
            return Ok(found);
        }
        let genesis = Sealed::genesis(header, self.genesis.state());
        let block = genesis.record.block;
        durable.push(Arc::new(genesis));
        durable.heads = Some(Heads::all(block));
        Ok(block)
    }

    async fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> Result<Built> {
        let parent = self.known(parent)?;
        let (max_bytes, max_transactions) = (attributes.max_bytes, attributes.max_transactions);
        let mut input = attributes.into_input(parent.record.block, Vec::new());
        let mut state = Scratch(parent.state.clone());
        let mut block =
            machine::BlockInProgress::start(&self.genesis, &parent.header, &mut state, &input)
                .map_err(|reason| MemoryExecutionError::Attributes { reason })?;
        let Ok(()) = block.run_forced(&input.forced, &input.forced_budget);
        let mut bytes = 0u64;
        while (input.transactions.len() as u64) < u64::from(max_transactions) && bytes < max_bytes {
            let Some(candidate) = candidates.next(block.gas_left(), max_bytes - bytes) else {
                break;
            };
            let len = candidate.bytes.len() as u64;
            if len > max_bytes - bytes {
                candidates.report(&candidate, CandidateOutcome::Later);
                continue;
            }
            let Ok(result) = block.run(&candidate.bytes);
            let outcome = match result {
                Ok(_) => {
                    bytes += len;
                    input.transactions.push(candidate.bytes.clone());
                    CandidateOutcome::Included
                }
                Err(refusal) if refusal.is_later() => CandidateOutcome::Later,
                Err(refusal) => CandidateOutcome::Invalid(refusal.to_string()),
            };
            candidates.report(&candidate, outcome);
        }
        let Ok(applied) = block.seal(&input);
        let sealed = self.remember(Sealed::new(&parent, &input, applied, state.0))?;
        Ok(Built {
            executed: sealed.executed.clone(),
            input,
        })
    }

    async fn execute(&self, input: &BlockInput) -> Result<ExecuteOutcome> {
        if let Some(known) = self.by_input(input.hash()) {
            return Ok(ExecuteOutcome::Valid(known.executed.clone()));
        }
        let parent = self.known(&input.parent)?;
        let mut state = Scratch(parent.state.clone());
        match MemoryMachine::apply(&self.genesis, &parent.header, &mut state, input) {
            Ok(applied) => {
                let sealed = self.remember(Sealed::new(&parent, input, applied, state.0))?;
                Ok(ExecuteOutcome::Valid(sealed.executed.clone()))
            }
            Err(ApplyError::Invalid(invalid)) => Ok(ExecuteOutcome::Invalid(invalid)),
            Err(ApplyError::State(never)) => match never {},
        }
    }

    async fn set_heads(&self, heads: &Heads, records: &[RecordChange]) -> Result<Vec<BlockRecord>> {
        check_keys(records)?;
        let former = self.heads()?;
        // The new branch, newest first, down to a canonical block.
        let mut branch = Vec::new();
        let mut at = self.known(&heads.latest)?;
        for head in [&heads.safe, &heads.finalized] {
            self.known(head)?;
        }
        while !lock(&self.store.0).is_canonical(&at.record.block) {
            let parent = at.record.parent;
            branch.push(at);
            at = self.known(&parent)?;
        }
        let fork = at.record.block;
        if fork.number < former.finalized.number {
            let block = former.finalized;
            return Err(MemoryExecutionError::Final { block });
        }
        let mut durable = lock(&self.store.0);
        let on_chain = |block: &BlockRef| {
            if block.number > fork.number {
                branch.iter().any(|found| found.record.block == *block)
            } else {
                durable.is_canonical(block)
            }
        };
        for (head, above) in [(heads.safe, heads.latest), (heads.finalized, heads.safe)] {
            if !on_chain(&head) || head.number > above.number {
                return Err(MemoryExecutionError::NotAncestor { block: head });
            }
        }
        if heads.finalized.number < former.finalized.number {
            let block = former.finalized;
            return Err(MemoryExecutionError::Final { block });
        }
        let removed = durable.cut(fork.number + 1);
        let mut volatile = lock(&self.volatile);
        for block in branch.into_iter().rev() {
            let record = &block.record;
            volatile.blocks.remove(&record.block.hash);
            volatile.inputs.remove(&record.input_hash);
            durable.push(block);
        }
        durable.heads = Some(*heads);
        durable.put(records);
        drop(durable);
        let room = (self.pending_blocks / 2).saturating_sub(volatile.blocks.len());
        // The lowest may come back first.
        for block in removed.iter().rev().take(room) {
            let record = &block.record;
            volatile.inputs.insert(record.input_hash, record.block.hash);
            volatile.blocks.insert(record.block.hash, Arc::clone(block));
        }
        // What can never become canonical again is forgotten.
        let floor = heads.finalized.number;
        if heads.finalized != former.finalized {
            let Volatile { blocks, inputs } = &mut *volatile;
            blocks.retain(|_, block| block.record.block.number > floor);
            inputs.retain(|_, hash| blocks.contains_key(hash));
        }
        Ok(removed.iter().map(|block| block.record.clone()).collect())
    }

    async fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof> {
        let block = self.kept(at, 0)?;
        Ok(StateProof {
            state_root: block.header.state_root,
            accounts: keys.iter().map(|key| block.state.prove(key)).collect(),
        })
    }

    async fn witness(&self, at: &BlockRef) -> Result<ExecutionWitness> {
        let block = self.kept(at, 1)?;
        let Some(parent) = self.find(BlockId::Hash(block.record.parent.hash)) else {
            let block = *at;
            return Err(MemoryExecutionError::NoParent { block });
        };
        Ok(ExecutionWitness {
            state: parent.state.nodes(),
            headers: vec![alloy_rlp::encode(&parent.header).into()],
            ..ExecutionWitness::default()
        })
    }

    fn caps(&self) -> ExecutionCaps {
        ExecutionCaps {
            vm_id: MemoryMachine::VM_ID,
            chain_id: self.genesis.chain_id,
            ticks_hz: None,
            empty_blocks: true,
            fees: self.genesis.base_fee > 0,
        }
    }

    async fn admit(&self, transaction: &Bytes) -> Result<Admission> {
        let refused = |reason| MemoryExecutionError::Refused { reason };
        let bytes = transaction.len() as u64;
        let transaction: MemoryTx =
            borsh::from_slice(transaction).map_err(|_| refused(Refusal::Undecodable))?;
        let latest = self.known(&self.heads()?.latest)?;
        let account = latest.state.account(transaction.sender).unwrap_or_default();
        match machine::check(
            &self.genesis,
            &transaction,
            &account,
            latest.header.gas_limit,
        ) {
            Ok(()) | Err(Refusal::NonceTooHigh | Refusal::Underpriced) => {}
            Err(reason) => return Err(refused(reason)),
        }
        Ok(Admission {
            hash: transaction.hash(),
            sender: transaction.sender,
            nonce: transaction.nonce,
            account_nonce: account.nonce,
            balance: account.balance,
            max_cost: transaction.max_cost(),
            gas_limit: transaction.gas_limit,
            max_fee_per_gas: transaction.max_fee_per_gas.into(),
            max_priority_fee_per_gas: transaction.max_fee_per_gas.into(),
            bytes,
        })
    }
}
