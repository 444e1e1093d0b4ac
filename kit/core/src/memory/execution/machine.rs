use super::{MemoryGenesis, MemoryTx, config::EMPTY_REQUESTS_HASH, transaction::MemoryAction};
use crate::{
    Account, AccountChange, Address, Applied, ApplyError, B256, BlockInput, Bytes, Changes,
    ForcedBudget, ForcedOutcome, ForcedTx, Header, InvalidBlock, StateAccess, StateMachine, U256,
    VmId,
};
use alloy_consensus::{Receipt, ReceiptWithBloom, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_primitives::{Bloom, Log, b256};
use alloy_rlp::Encodable as _;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, root::ordered_trie_root_encoded};
use std::{collections::BTreeMap, fmt};

/// The rules of the in-memory engine: transfers and writes, in nonce order.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryMachine;

/// Why a transaction is not valid at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not decode.
    Undecodable,
    /// It is for another chain.
    WrongChain,
    /// Its gas limit does not cover its action, or exceeds the block's.
    Gas,
    /// Its nonce was used before.
    NonceTooLow,
    /// An earlier nonce is missing.
    NonceTooHigh,
    /// The balance does not cover value and fees.
    Funds,
    /// It pays less than the base fee.
    Underpriced,
    /// The block has no room left.
    NoRoom,
}

impl Refusal {
    /// The stable code that stands in [`ForcedOutcome::Skipped`].
    pub const fn code(self) -> u16 {
        match self {
            Self::Undecodable => 1,
            Self::WrongChain => 2,
            Self::Gas => 3,
            Self::NonceTooLow => 4,
            Self::NonceTooHigh => 5,
            Self::Funds => 6,
            Self::Underpriced => 7,
            Self::NoRoom => 8,
        }
    }

    /// True where the transaction may become valid as the chain goes on.
    pub const fn is_later(self) -> bool {
        matches!(
            self,
            Self::NonceTooHigh | Self::Underpriced | Self::NoRoom | Self::Funds
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undecodable => "it does not decode",
            Self::WrongChain => "it is for another chain",
            Self::Gas => "its gas limit is below its cost or above the block's",
            Self::NonceTooLow => "nonce too low",
            Self::NonceTooHigh => "nonce too high",
            Self::Funds => "insufficient funds",
            Self::Underpriced => "it pays less than the base fee",
            Self::NoRoom => "the block is full",
        })
    }
}

impl StateMachine for MemoryMachine {
    const VM_ID: VmId = VmId(b256!(
        "15ee41dd337fa8857a86008148851ae0d479e85ef1172fb85b92225cc9a33435"
    ));

    type Config = MemoryGenesis;

    fn apply<S: StateAccess>(
        config: &MemoryGenesis,
        parent: &Header,
        state: &mut S,
        input: &BlockInput,
    ) -> Result<Applied, ApplyError<S::Error>> {
        let mut block = BlockInProgress::start(config, parent, state, input)
            .map_err(|reason| invalid(None, reason))?;
        block
            .run_forced(&input.forced, &input.forced_budget)
            .map_err(ApplyError::State)?;
        for (transaction, index) in input.transactions.iter().zip(0u32..) {
            match block.run(transaction).map_err(ApplyError::State)? {
                Ok(_) => {}
                Err(refusal) => return Err(invalid(Some(index), &refusal.to_string())),
            }
        }
        block.seal(input).map_err(ApplyError::State)
    }
}

fn invalid<E>(transaction: Option<u32>, reason: &str) -> ApplyError<E> {
    ApplyError::Invalid(InvalidBlock {
        transaction,
        reason: reason.into(),
    })
}

/// Checks that need no state beyond the sender's account.
pub(super) fn check(
    config: &MemoryGenesis,
    transaction: &MemoryTx,
    account: &Account,
    gas_limit: u64,
) -> Result<(), Refusal> {
    if transaction.chain_id != config.chain_id {
        Err(Refusal::WrongChain)
    } else if transaction.gas_limit < transaction.action.gas() || transaction.gas_limit > gas_limit
    {
        Err(Refusal::Gas)
    } else if transaction.nonce < account.nonce {
        Err(Refusal::NonceTooLow)
    } else if transaction.nonce > account.nonce {
        Err(Refusal::NonceTooHigh)
    } else if transaction.max_cost() > account.balance {
        Err(Refusal::Funds)
    } else if transaction.max_fee_per_gas < config.base_fee {
        Err(Refusal::Underpriced)
    } else {
        Ok(())
    }
}

/// A block while its transactions are run; building and executing share it.
#[derive(Debug)]
pub(super) struct BlockInProgress<'a, S> {
    config: &'a MemoryGenesis,
    parent: &'a Header,
    state: &'a mut S,
    gas_limit: u64,
    gas_used: u64,
    accounts: BTreeMap<Address, Account>,
    slots: BTreeMap<Address, BTreeMap<B256, U256>>,
    transactions: Vec<Bytes>,
    receipts: Vec<Bytes>,
    forced: Vec<ForcedOutcome>,
}

impl<'a, S: StateAccess> BlockInProgress<'a, S> {
    /// Checks what does not depend on transactions.
    pub(super) fn start(
        config: &'a MemoryGenesis,
        parent: &'a Header,
        state: &'a mut S,
        input: &BlockInput,
    ) -> Result<Self, &'static str> {
        if input.parent.number != parent.number || input.parent.hash != parent.hash_slow() {
            return Err("the input names another parent");
        }
        let rises = input.timestamp > parent.timestamp;
        let repeats = input.timestamp == parent.timestamp && config.repeats_timestamps;
        if !rises && !repeats {
            return Err("the timestamp does not rise");
        }
        if !input.ticks.is_empty() || !input.inbox.is_empty() {
            return Err("the engine has neither ticks nor mailbox");
        }
        Ok(Self {
            config,
            parent,
            state,
            gas_limit: input.gas_limit,
            gas_used: 0,
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            transactions: Vec::new(),
            receipts: Vec::new(),
            forced: Vec::new(),
        })
    }

    pub(super) const fn gas_left(&self) -> u64 {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    fn account(&mut self, address: Address) -> Result<Account, S::Error> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(*account);
        }
        Ok(self.state.account(address)?.unwrap_or(Account {
            code_hash: KECCAK_EMPTY,
            ..Account::default()
        }))
    }

    /// Runs one transaction; a refused one changes nothing. Returns its hash.
    pub(super) fn run(&mut self, bytes: &Bytes) -> Result<Result<B256, Refusal>, S::Error> {
        let Ok(transaction) = borsh::from_slice::<MemoryTx>(bytes) else {
            return Ok(Err(Refusal::Undecodable));
        };
        let mut sender = self.account(transaction.sender)?;
        if let Err(refusal) = check(self.config, &transaction, &sender, self.gas_limit) {
            return Ok(Err(refusal));
        }
        if transaction.gas_limit > self.gas_left() {
            return Ok(Err(Refusal::NoRoom));
        }
        let gas = transaction.action.gas();
        let fee = U256::from(u128::from(gas) * u128::from(self.config.base_fee));
        sender.nonce += 1;
        sender.balance = sender
            .balance
            .saturating_sub(fee.saturating_add(transaction.value()));
        self.accounts.insert(transaction.sender, sender);
        match transaction.action {
            MemoryAction::Transfer { to, amount } if !amount.is_zero() => {
                let mut receiver = self.account(to)?;
                receiver.balance = receiver.balance.saturating_add(amount);
                self.accounts.insert(to, receiver);
            }
            MemoryAction::Transfer { .. } => {}
            MemoryAction::Put { key, value } => {
                self.slots
                    .entry(transaction.sender)
                    .or_default()
                    .insert(key, value);
            }
        }
        self.gas_used += gas;
        self.receipts.push(receipt(self.gas_used));
        self.transactions.push(bytes.clone());
        Ok(Ok(transaction.hash()))
    }

    /// Runs due forced entries within their budgets (`derivation.md` §6).
    pub(super) fn run_forced(
        &mut self,
        entries: &[ForcedTx],
        budget: &ForcedBudget,
    ) -> Result<(), S::Error> {
        let (mut looked_at, mut bytes) = (0u32, 0u64);
        let mut full = false;
        for entry in entries {
            let len = entry.bytes.len() as u64;
            full |= looked_at >= budget.validations || self.gas_used >= budget.gas;
            let outcome = if full {
                ForcedOutcome::Waits
            } else if len > budget.bytes {
                looked_at += 1;
                let reason = Refusal::NoRoom.code();
                ForcedOutcome::Skipped { reason }
            } else if bytes + len > budget.bytes {
                full = true;
                ForcedOutcome::Waits
            } else {
                looked_at += 1;
                match self.run(&entry.bytes)? {
                    Ok(hash) => {
                        bytes += len;
                        ForcedOutcome::Included { hash }
                    }
                    Err(Refusal::Underpriced) => ForcedOutcome::Underpriced,
                    Err(Refusal::NoRoom) => {
                        full = true;
                        ForcedOutcome::Waits
                    }
                    Err(refusal) => ForcedOutcome::Skipped {
                        reason: refusal.code(),
                    },
                }
            };
            self.forced.push(outcome);
        }
        Ok(())
    }

    /// Commits the changes and seals the header.
    pub(super) fn seal(self, input: &BlockInput) -> Result<Applied, S::Error> {
        let mut slots = self.slots;
        let accounts = self
            .accounts
            .into_iter()
            .map(|(address, account)| {
                let storage = slots.remove(&address).unwrap_or_default();
                let change = AccountChange {
                    account: Some(account),
                    storage_cleared: false,
                    storage: storage.into_iter().collect(),
                };
                (address, change)
            })
            .collect();
        let codes = Vec::new();
        let state_root = self.state.commit(Changes { accounts, codes })?;
        let number = input.number();
        let header = Header {
            parent_hash: input.parent.hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: input.fee_recipient,
            state_root,
            transactions_root: ordered_trie_root_encoded(&self.transactions),
            receipts_root: ordered_trie_root_encoded(&self.receipts),
            number,
            gas_limit: input.gas_limit,
            gas_used: self.gas_used,
            timestamp: input.timestamp,
            mix_hash: input.anchor.prev_randao(number),
            base_fee_per_gas: self.parent.base_fee_per_gas,
            withdrawals_root: Some(EMPTY_ROOT_HASH),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(input.anchor.hash()),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        };
        Ok(Applied {
            work: header.gas_used,
            header,
            forced: self.forced,
            transactions: self.transactions,
            receipts: self.receipts,
            outbox_root: EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
            anchor: input.anchor.clone(),
        })
    }
}

/// A legacy receipt: success, no logs.
fn receipt(cumulative_gas_used: u64) -> Bytes {
    let receipt: Receipt<Log> = Receipt {
        status: true.into(),
        cumulative_gas_used,
        logs: Vec::new(),
    };
    let mut out = Vec::new();
    ReceiptWithBloom {
        receipt,
        logs_bloom: Bloom::ZERO,
    }
    .encode(&mut out);
    out.into()
}
