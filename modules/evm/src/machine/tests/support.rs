//! A development chain over a state in memory, and signed transactions.

use crate::{
    genesis::{DevGenesis, Genesis, GenesisBlock, dev_account},
    machine::{
        self, BlockOutcome, BuiltBlock, MemoryState, PlainRecovery, RecoveredTx, TxEnvelope,
    },
};
use alloc::{sync::Arc, vec::Vec};
use alloy_consensus::{
    Header, SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxLegacy,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::AccessList,
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use core::convert::Infallible;
use k256::ecdsa::SigningKey;
use rollwright_core::{
    Anchor, ApplyError, Attributes, BlockInput, BlockRef, Candidate, CandidateOutcome,
    CandidateSource, DaHeight, DaOrdinal, DaPoint, ForcedBudget, ForcedId, ForcedTx,
};
use rollwright_derive::{DevChain, RollupConfig};

pub(crate) const CHAIN_ID: u64 = 42069;
pub(crate) const GENESIS_TIME: u64 = 1_700_000_000;
pub(crate) const GWEI: u128 = 1_000_000_000;

pub(crate) fn dev_genesis() -> DevGenesis {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: address(0),
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
    DevGenesis::new(GENESIS_TIME, rollup)
}

pub(crate) fn address(index: u32) -> Address {
    dev_account(index).expect("a small index").address
}

pub(crate) fn sign_hash(index: u32, hash: B256) -> Signature {
    let key = dev_account(index).expect("a small index").key;
    let key = SigningKey::from_slice(key.as_slice()).expect("a valid key");
    key.sign_prehash_recoverable(hash.as_slice())
        .expect("signing works")
        .into()
}

pub(crate) fn sign<T>(index: u32, tx: T) -> Bytes
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<Signed<T>>,
{
    let signature = sign_hash(index, tx.signature_hash());
    machine::signed(tx, signature).encoded_2718().into()
}

pub(crate) fn legacy(nonce: u64, to: Address, value: u64) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 2 * GWEI,
        gas_limit: 100_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        input: Bytes::new(),
    }
}

pub(crate) fn eip2930(nonce: u64, to: Address, access_list: AccessList) -> TxEip2930 {
    TxEip2930 {
        chain_id: CHAIN_ID,
        nonce,
        gas_price: 2 * GWEI,
        gas_limit: 100_000,
        to: TxKind::Call(to),
        value: U256::from(1),
        access_list,
        input: Bytes::new(),
    }
}

pub(crate) fn eip1559(nonce: u64, to: TxKind, input: Bytes) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 3 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to,
        value: U256::ZERO,
        access_list: AccessList::default(),
        input,
    }
}

pub(crate) fn transfer(from: u32, nonce: u64, to: Address, value: u64) -> Bytes {
    let tx = TxEip1559 {
        value: U256::from(value),
        gas_limit: 21_000,
        ..eip1559(nonce, TxKind::Call(to), Bytes::new())
    };
    sign(from, tx)
}

pub(crate) fn authorization(from: u32, nonce: u64, to: Address) -> SignedAuthorization {
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: to,
        nonce,
    };
    let signature = sign_hash(from, authorization.signature_hash());
    authorization.into_signed(signature)
}

pub(crate) fn eip7702(nonce: u64, to: Address, list: Vec<SignedAuthorization>) -> TxEip7702 {
    TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 500_000,
        max_fee_per_gas: 3 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to,
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: list,
        input: Bytes::new(),
    }
}

pub(crate) fn anchor(ordinal: u64) -> Anchor {
    let mut hash = B256::ZERO;
    hash[..8].copy_from_slice(&ordinal.to_be_bytes());
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(ordinal),
        hash,
    };
    Anchor::at(origin, DaOrdinal(ordinal), hash, GENESIS_TIME + ordinal)
}

pub(crate) fn budget() -> ForcedBudget {
    ForcedBudget {
        gas: 10_000_000,
        bytes: 100_000,
        validations: 16,
    }
}

pub(crate) fn forced(entries: Vec<Bytes>) -> Vec<ForcedTx> {
    entries
        .into_iter()
        .zip(0..)
        .map(|(bytes, index)| ForcedTx {
            id: ForcedId {
                ordinal: DaOrdinal(1),
                index,
            },
            bytes,
        })
        .collect()
}

/// A chain at its head.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) genesis: Arc<GenesisBlock>,
    pub(crate) header: Header,
    pub(crate) state: MemoryState,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self::with(dev_genesis())
    }

    pub(crate) fn with(genesis: DevGenesis) -> Self {
        Self::of(&genesis.genesis())
    }

    pub(crate) fn of(genesis: &Genesis) -> Self {
        let genesis = genesis.block().expect("a valid genesis");
        let mut state = MemoryState::new();
        assert_eq!(state.apply(&genesis.changes), genesis.header.state_root);
        state.insert_block_hash(0, genesis.rollup_id());
        Self {
            header: genesis.header.clone(),
            genesis: Arc::new(genesis),
            state,
        }
    }

    pub(crate) fn head(&self) -> BlockRef {
        BlockRef {
            number: self.header.number,
            hash: self.header.hash_slow(),
        }
    }

    pub(crate) fn attributes(&self) -> Attributes {
        Attributes {
            timestamp: self.header.timestamp + 1,
            fee_recipient: Address::repeat_byte(0xcb),
            gas_limit: self.header.gas_limit,
            anchor: anchor(self.header.number + 1),
            forced: Vec::new(),
            forced_budget: budget(),
            ticks: Vec::new(),
            inbox: Vec::new(),
            max_bytes: u64::MAX,
            max_transactions: u32::MAX,
        }
    }

    pub(crate) fn input(&self, transactions: Vec<Bytes>) -> BlockInput {
        self.attributes().into_input(self.head(), transactions)
    }

    /// Executes without moving the head.
    pub(crate) fn try_execute(
        &self,
        input: &BlockInput,
    ) -> Result<(BlockOutcome, MemoryState), ApplyError<Infallible>> {
        let mut state = self.state.clone();
        let config = &self.genesis.config;
        machine::execute(config, &self.header, &mut state, input, &PlainRecovery)
            .map(|outcome| (outcome, state))
    }

    /// Executes and moves the head.
    pub(crate) fn execute(&mut self, input: &BlockInput) -> BlockOutcome {
        let (outcome, state) = self.try_execute(input).expect("a valid block");
        self.state = state;
        self.header = outcome.applied.header.clone();
        self.state
            .insert_block_hash(self.header.number, self.header.hash_slow());
        outcome
    }

    pub(crate) fn block(&mut self, transactions: Vec<Bytes>) -> BlockOutcome {
        let input = self.input(transactions);
        self.execute(&input)
    }

    /// Why a block with these transactions is invalid.
    pub(crate) fn refusal(&self, transactions: Vec<Bytes>) -> (Option<u32>, alloc::string::String) {
        match self.try_execute(&self.input(transactions)) {
            Err(ApplyError::Invalid(invalid)) => (invalid.transaction, invalid.reason),
            other => panic!("expected an invalid block, got {other:?}"),
        }
    }

    pub(crate) fn build(&self, attributes: &Attributes, pool: &mut Pool) -> BuiltBlock {
        let mut state = self.state.clone();
        let config = &self.genesis.config;
        machine::build(
            config,
            &self.header,
            &mut state,
            attributes,
            pool,
            &PlainRecovery,
        )
        .expect("building succeeds")
    }
}

/// Candidates in a fixed order, and what became of each.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) waiting: Vec<Bytes>,
    pub(crate) outcomes: Vec<CandidateOutcome>,
}

impl Pool {
    pub(crate) fn new(mut waiting: Vec<Bytes>) -> Self {
        waiting.reverse();
        Self {
            waiting,
            outcomes: Vec::new(),
        }
    }
}

impl CandidateSource for Pool {
    fn next(&mut self, _: u64, _: u64) -> Option<Candidate> {
        let bytes = self.waiting.pop()?;
        Some(Candidate {
            hash: alloy_primitives::keccak256(&bytes),
            bytes,
        })
    }

    fn report(&mut self, _: &Candidate, outcome: CandidateOutcome) {
        self.outcomes.push(outcome);
    }
}

pub(crate) fn decoded(bytes: &Bytes) -> RecoveredTx {
    RecoveredTx::decode(bytes).expect("a valid transaction")
}
