//! Where an address appears, who made a contract, what a nonce was used for.

use super::{API_PAGE, parties::Parties, receipts::bare};
use crate::{
    machine::Stop,
    rpc::{
        api::EthApi,
        args::{Args, Count},
        error::{Answer, EthError},
        replay::{Guard, Replay, Weight},
        shapes,
    },
    store::{StateView, StoredBlock},
};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use alloy_rpc_types_trace::otterscan::{ContractCreator, TransactionsWithReceipts};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use rollwright_core::BlockRef;
use std::sync::Arc;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method(
        "ots_searchTransactionsBefore",
        |params, api, _| async move {
            let wanted = Wanted::read(&params)?;
            api.heavy(move |api, stop| wanted.before(api, stop)).await
        },
    )?;
    module.register_async_method("ots_searchTransactionsAfter", |params, api, _| async move {
        let wanted = Wanted::read(&params)?;
        api.heavy(move |api, stop| wanted.after(api, stop)).await
    })?;
    module.register_async_method(
        "ots_getTransactionBySenderAndNonce",
        |params, api, _| async move {
            let mut args = Args::new(&params);
            let sender = args.required::<Address>()?;
            let nonce = args.required::<Count>()?.0;
            args.end()?;
            api.heavy(move |api, stop| by_nonce(api, sender, nonce, stop))
                .await
        },
    )?;
    module.register_async_method("ots_getContractCreator", |params, api, _| async move {
        let mut args = Args::new(&params);
        let address = args.required::<Address>()?;
        args.end()?;
        api.heavy(move |api, stop| creator(api, address, stop))
            .await
    })?;
    Ok(())
}

/// A page of an address's transactions.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    address: Address,
    block: u64,
    size: usize,
}

impl Wanted {
    fn read(params: &Params<'_>) -> Answer<Self> {
        let mut args = Args::new(params);
        let address = args.required()?;
        let block = args.required::<Count>()?.0;
        let size = args.required::<Count>()?.0;
        args.end()?;
        match usize::try_from(size) {
            Ok(size) if (1..=API_PAGE).contains(&size) => Ok(Self {
                address,
                block,
                size,
            }),
            _ => Err(EthError::params(format!(
                "a page has 1 to {API_PAGE} transactions, not {size}"
            ))),
        }
    }

    /// Downwards from below the block; from the head where it is 0.
    fn before(self, api: &EthApi, stop: Stop<'_>) -> Answer<TransactionsWithReceipts> {
        let range = match self.block {
            0 => Some((0, u64::MAX)),
            block => Some((0, block - 1)),
        };
        let (found, more) = self.collect(api, range, true, stop)?;
        page(api, found, self.block == 0, !more)
    }

    /// Upwards from above the block; from genesis where it is 0.
    fn after(self, api: &EthApi, stop: Stop<'_>) -> Answer<TransactionsWithReceipts> {
        let range = match self.block {
            0 => Some((0, u64::MAX)),
            block => block.checked_add(1).map(|from| (from, u64::MAX)),
        };
        let (mut found, more) = self.collect(api, range, false, stop)?;
        found.reverse();
        page(api, found, !more, self.block == 0)
    }

    /// Whole blocks, until the page is full; whether there are more.
    fn collect(
        self,
        api: &EthApi,
        range: Option<(u64, u64)>,
        newest_first: bool,
        stop: Stop<'_>,
    ) -> Answer<(Vec<Found>, bool)> {
        let Some(range) = range else {
            return Ok((Vec::new(), false));
        };
        let most = usize::try_from(api.config.max_trace_blocks).unwrap_or(usize::MAX);
        let blocks =
            api.store
                .appearances(&self.address, range, newest_first, most.saturating_add(1))?;
        let (mut found, mut count) = (Vec::new(), 0);
        for (looked_at, number) in blocks.iter().enumerate() {
            if looked_at == most {
                return Err(EthError::server(format!(
                    "{} was changed by {most} blocks in which too few transactions deal with it, as the recipient of all fees is; continue from block {number}",
                    self.address
                )));
            }
            let Some(block) = api.by_number(*number)? else {
                continue;
            };
            let mut indexes = involved(api, &block, &self.address, stop)?;
            if indexes.is_empty() {
                continue;
            }
            if count >= self.size {
                return Ok((found, true));
            }
            if newest_first {
                indexes.reverse();
            }
            count += indexes.len();
            found.extend(indexes.into_iter().map(|index| (Arc::clone(&block), index)));
        }
        Ok((found, false))
    }
}

/// A transaction of a block.
type Found = (Arc<StoredBlock>, usize);

fn page(
    api: &EthApi,
    found: Vec<Found>,
    first: bool,
    last: bool,
) -> Answer<TransactionsWithReceipts> {
    let mut page = TransactionsWithReceipts {
        txs: Vec::with_capacity(found.len()),
        receipts: Vec::with_capacity(found.len()),
        first_page: first,
        last_page: last,
    };
    for (block, index) in found {
        page.txs.push(shapes::mined(&block, index)?);
        let receipt = shapes::receipt(&api.chain, &block, index)?;
        page.receipts.push(bare(receipt, block.record.timestamp));
    }
    Ok(page)
}

/// The block's transactions that an address takes part in: as sender or
/// recipient, by a log, or in a call of a call, for which they are executed
/// again where the state of the parent is kept.
fn involved(
    api: &EthApi,
    block: &Arc<StoredBlock>,
    address: &Address,
    stop: Stop<'_>,
) -> Answer<Vec<usize>> {
    let count = block.transaction_hashes.len();
    let mut found = Vec::with_capacity(count);
    for index in 0..count {
        found.push(plainly(api, block, index, address)?);
    }
    let kept = block.record.parent.number >= api.store.oldest_state()?;
    if kept && found.contains(&false) {
        let mut replay = Replay::begin(api, block, stop)?;
        for found in &mut found {
            let watching = (guard(stop), Parties::new(*address));
            *found |= replay.watch(watching, |(_, parties), _| Ok(parties.seen))?;
        }
    }
    Ok((0..count).filter(|index| found[*index]).collect())
}

fn plainly(api: &EthApi, block: &StoredBlock, index: usize, address: &Address) -> Answer<bool> {
    let receipt = shapes::receipt(&api.chain, block, index)?;
    let logs = receipt.inner.logs();
    Ok(receipt.from == *address
        || receipt.to == Some(*address)
        || receipt.contract_address == Some(*address)
        || logs.iter().any(|log| log.address() == *address))
}

fn guard(stop: Stop<'_>) -> Guard<'_> {
    Guard::new(stop, Weight::default(), usize::MAX)
}

/// The first block after which `holds`, by bisection: once it holds, it goes
/// on to. `None` where it does not hold now.
fn first(
    api: &EthApi,
    stop: Stop<'_>,
    holds: impl Fn(&StateView) -> Answer<bool>,
) -> Answer<Option<u64>> {
    let at = |number: u64| {
        let hash = api.store.canonical_hash(number)?;
        let hash = hash.ok_or(EthError::HeaderNotFound)?;
        holds(&api.store.state_at(&BlockRef { number, hash })?)
    };
    let (mut low, mut high) = (api.store.oldest_state()?, api.heads()?.latest.number);
    if !at(high)? {
        return Ok(None);
    }
    if at(low)? {
        return match low {
            0 => Ok(Some(0)),
            _ => Err(EthError::server(format!(
                "it happened before block {low}, the oldest whose state this node keeps"
            ))),
        };
    }
    // It does not hold after `low`, and does after `high`.
    while high - low > 1 {
        if stop.asked() {
            return Err(EthError::server("execution aborted"));
        }
        let middle = low + (high - low) / 2;
        match at(middle)? {
            true => high = middle,
            false => low = middle,
        }
    }
    Ok(Some(high))
}

fn by_nonce(api: &EthApi, sender: Address, nonce: u64, stop: Stop<'_>) -> Answer<Option<B256>> {
    let used = first(api, stop, |state| {
        Ok(state
            .account(sender)?
            .is_some_and(|account| account.nonce > nonce))
    })?;
    let Some(number) = used else {
        return Ok(None);
    };
    let Some(block) = api.by_number(number)? else {
        return Ok(None);
    };
    for index in 0..block.transaction_hashes.len() {
        if block.senders.get(index) == Some(&sender)
            && shapes::mined(&block, index)?.inner.nonce() == nonce
        {
            return Ok(block.transaction_hashes.get(index).copied());
        }
    }
    // A contract's, or that of an account which signed a delegation.
    Ok(None)
}

fn creator(api: &EthApi, address: Address, stop: Stop<'_>) -> Answer<Option<ContractCreator>> {
    let made = first(api, stop, |state| {
        let Some(account) = state.account(address)? else {
            return Ok(false);
        };
        // A delegation of an account that has a key is no contract.
        Ok(account.code_hash != KECCAK256_EMPTY
            && !state
                .code(account.code_hash)?
                .starts_with(&[0xef, 0x01, 0x00]))
    })?;
    let Some(number) = made.filter(|number| *number > 0) else {
        return Ok(None);
    };
    let Some(block) = api.by_number(number)? else {
        return Ok(None);
    };
    let mut replay = Replay::begin(api, &block, stop)?;
    let mut found = None;
    for hash in &block.transaction_hashes {
        let watching = (guard(stop), Parties::new(address));
        let creator = replay.watch(watching, |(_, parties), _| Ok(parties.creator))?;
        if let Some(creator) = creator {
            found = Some(ContractCreator {
                hash: *hash,
                creator,
            });
        }
    }
    Ok(found)
}
