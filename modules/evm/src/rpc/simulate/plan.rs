//! Which blocks are made: those asked for, and empty ones between them.

use super::request::BlockCalls;
use crate::rpc::{
    args::Fields,
    call,
    error::{Answer, EthError},
    replay::Overrides,
    request::CallRequest,
};
use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B256, U256};

/// Most blocks above the base, as in geth.
const MAX_BLOCKS: u64 = 256;
/// Seconds between blocks that name no time.
const PERIOD: u64 = 12;

/// A block to make.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) overrides: Overrides,
    pub(super) beacon_root: B256,
    pub(super) withdrawals: Vec<Withdrawal>,
    pub(super) calls: Vec<CallRequest>,
}

/// The blocks in order: numbers without gaps, times ascending.
pub(super) fn plan(blocks: Vec<Fields<BlockCalls>>, base: &Header) -> Answer<Vec<Planned>> {
    if blocks.is_empty() {
        return Err(EthError::params("empty input"));
    }
    let too_many = || EthError::Coded {
        code: -38026,
        message: "too many blocks".into(),
    };
    if blocks.len() as u64 > MAX_BLOCKS {
        return Err(too_many());
    }
    let mut plan = Vec::with_capacity(blocks.len());
    let (mut number, mut time) = (base.number, base.timestamp);
    for Fields(block) in blocks {
        let header = block.block_overrides.unwrap_or_default();
        let wanted = match header.common.number {
            Some(wanted) => wanted,
            None => U256::from(number) + U256::ONE,
        };
        if wanted <= U256::from(number) {
            return Err(EthError::Coded {
                code: -38020,
                message: format!("block numbers must be in order: {wanted} <= {number}"),
            });
        }
        if wanted - U256::from(base.number) > U256::from(MAX_BLOCKS) {
            return Err(too_many());
        }
        let wanted = u64::try_from(wanted).map_err(|_| too_many())?;
        for between in number + 1..wanted {
            time = time.saturating_add(PERIOD);
            plan.push(Planned::empty(between, time));
        }
        let timestamp = header
            .common
            .time
            .unwrap_or_else(|| time.saturating_add(PERIOD));
        if timestamp <= time {
            return Err(EthError::Coded {
                code: -38021,
                message: format!("block timestamps must be in order: {timestamp} <= {time}"),
            });
        }
        (number, time) = (wanted, timestamp);
        let calls = block.calls.unwrap_or_default().into_iter();
        plan.push(Planned {
            number,
            timestamp,
            beacon_root: header.common.beacon_root.unwrap_or_default(),
            overrides: call::overrides(block.state_overrides.unwrap_or_default(), &header.common)?,
            withdrawals: header.withdrawals.unwrap_or_default(),
            calls: calls.map(|Fields(call)| call).collect(),
        });
    }
    Ok(plan)
}

impl Planned {
    fn empty(number: u64, timestamp: u64) -> Self {
        Self {
            number,
            timestamp,
            overrides: Overrides::default(),
            beacon_root: B256::ZERO,
            withdrawals: Vec::new(),
            calls: Vec::new(),
        }
    }
}
