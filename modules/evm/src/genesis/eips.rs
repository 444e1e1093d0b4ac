//! EIPs that a rollup follows at a time of its own, whatever its fork.

use super::{ChainConfig, GenesisError, forks::conflict, keys::nearest};
use alloc::{format, string::String};
use core::fmt;
use revm::primitives::hardfork::SpecId;

/// An EIP that changes neither transactions nor headers, and that a chain can
/// therefore follow before the fork that brings it.
///
/// `config.rollwright.eips` maps their [keys](Self::key) to the block time in
/// Unix seconds from which they hold; 0 for genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Eip {
    /// BLS12-381 precompiles, of Prague.
    Eip2537,
    /// Verification of secp256r1 signatures at 0x100, for 3,450 gas. Osaka
    /// brings it for 6,900: [`Eip7951`](Self::Eip7951).
    Rip7212,
    /// A floor under the price of call data, of Prague.
    Eip7623,
    /// Bounds on MODEXP's operands, of Osaka.
    Eip7823,
    /// At most 2^24 gas per transaction, of Osaka.
    Eip7825,
    /// MODEXP costs more, of Osaka.
    Eip7883,
    /// At most 8 MiB of RLP per block, of Osaka.
    Eip7934,
    /// The instruction CLZ, of Osaka.
    Eip7939,
    /// Verification of secp256r1 signatures at 0x100, of Osaka.
    Eip7951,
    /// Transfers of ether leave a log, of Amsterdam.
    Eip7708,
    /// Code of up to 64 KiB, of Amsterdam.
    Eip7954,
    /// A higher floor under the price of call data, of Amsterdam.
    Eip7976,
    /// Access lists count for that floor, of Amsterdam.
    Eip7981,
    /// The instructions DUPN, SWAPN and EXCHANGE, of Amsterdam.
    Eip8024,
    /// SELFDESTRUCT burns nothing, of Amsterdam.
    Eip8246,
}

impl Eip {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Eip2537,
        Self::Rip7212,
        Self::Eip7623,
        Self::Eip7823,
        Self::Eip7825,
        Self::Eip7883,
        Self::Eip7934,
        Self::Eip7939,
        Self::Eip7951,
        Self::Eip7708,
        Self::Eip7954,
        Self::Eip7976,
        Self::Eip7981,
        Self::Eip8024,
        Self::Eip8246,
    ];

    /// Its key in `config.rollwright.eips`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Eip2537 => "eip2537",
            Self::Rip7212 => "rip7212",
            Self::Eip7623 => "eip7623",
            Self::Eip7823 => "eip7823",
            Self::Eip7825 => "eip7825",
            Self::Eip7883 => "eip7883",
            Self::Eip7934 => "eip7934",
            Self::Eip7939 => "eip7939",
            Self::Eip7951 => "eip7951",
            Self::Eip7708 => "eip7708",
            Self::Eip7954 => "eip7954",
            Self::Eip7976 => "eip7976",
            Self::Eip7981 => "eip7981",
            Self::Eip8024 => "eip8024",
            Self::Eip8246 => "eip8246",
        }
    }

    /// What it does, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Eip2537 => "BLS12-381 precompiles",
            Self::Rip7212 => "P256VERIFY at 0x100 for 3,450 gas",
            Self::Eip7623 => "floor price of call data",
            Self::Eip7823 => "bounds on MODEXP's operands",
            Self::Eip7825 => "at most 2^24 gas per transaction",
            Self::Eip7883 => "MODEXP costs more",
            Self::Eip7934 => "at most 8 MiB of RLP per block",
            Self::Eip7939 => "instruction CLZ",
            Self::Eip7951 => "P256VERIFY at 0x100 for 6,900 gas",
            Self::Eip7708 => "transfers of ether leave a log",
            Self::Eip7954 => "code of up to 64 KiB",
            Self::Eip7976 => "higher floor price of call data",
            Self::Eip7981 => "access lists count for the floor",
            Self::Eip8024 => "instructions DUPN, SWAPN, EXCHANGE",
            Self::Eip8246 => "SELFDESTRUCT burns nothing",
        }
    }

    /// The fork of Ethereum that brings it, or what replaces it.
    pub const fn fork(self) -> SpecId {
        match self {
            Self::Eip2537 | Self::Eip7623 => SpecId::PRAGUE,
            Self::Rip7212
            | Self::Eip7823
            | Self::Eip7825
            | Self::Eip7883
            | Self::Eip7934
            | Self::Eip7939
            | Self::Eip7951 => SpecId::OSAKA,
            Self::Eip7708
            | Self::Eip7954
            | Self::Eip7976
            | Self::Eip7981
            | Self::Eip8024
            | Self::Eip8246 => SpecId::AMSTERDAM,
        }
    }

    /// The EIP that must hold when this one begins.
    const fn needs(self) -> Option<Self> {
        match self {
            // One journal keeps account of both.
            Self::Eip7708 => Some(Self::Eip8246),
            Self::Eip7981 => Some(Self::Eip7976),
            _ => None,
        }
    }

    /// The EIP of a key.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|eip| eip.key() == key)
    }
}

impl fmt::Display for Eip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, number) = self.key().split_at(3);
        write!(f, "{}-{number}", kind.to_ascii_uppercase())
    }
}

/// Those EIPs that a chain has switched on, at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eips(u32);

impl Eips {
    /// True where none is.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True where this one is.
    pub const fn has(self, eip: Eip) -> bool {
        self.0 & (1 << eip as u8) != 0
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, eip: Eip) -> Self {
        Self(self.0 | (1 << eip as u8))
    }

    /// Those that are on.
    pub fn iter(self) -> impl Iterator<Item = Eip> {
        Eip::ALL.into_iter().filter(move |eip| self.has(*eip))
    }
}

impl ChainConfig {
    /// The switches with their times; keys that nobody knows are not among
    /// them (a checked configuration has none).
    pub fn switches(&self) -> impl Iterator<Item = (Eip, u64)> {
        self.rollwright
            .iter()
            .flat_map(|rollup| &rollup.eips)
            .filter_map(|(key, time)| Some((Eip::by_key(key)?, *time)))
    }

    /// The EIPs that are switched on in a block of this time, beside those of
    /// its fork.
    pub fn eips_at(&self, timestamp: u64) -> Eips {
        self.switches()
            .filter(|(_, time)| *time <= timestamp)
            .fold(Eips::default(), |eips, (eip, _)| eips.with(eip))
    }

    /// Checks that the switches fit the fork schedule and each other.
    pub(super) fn check_switches(&self) -> Result<(), GenesisError> {
        let Some(rollup) = &self.rollwright else {
            return Ok(());
        };
        for (key, time) in &rollup.eips {
            let Some(eip) = Eip::by_key(key) else {
                return Err(GenesisError::UnknownKey {
                    path: path(key),
                    cure: unknown(key),
                });
            };
            self.check_switch(eip, *time)?;
        }
        Ok(())
    }

    fn check_switch(&self, eip: Eip, time: u64) -> Result<(), GenesisError> {
        let path = path(eip.key());
        if let Some((name, fork)) = self.time_of(eip.fork())
            && fork <= time
        {
            return Err(conflict(
                &path,
                format!("begins at {time}, and `{name}` brings it at {fork} already"),
                "remove it",
            ));
        }
        if eip.fork() == SpecId::AMSTERDAM && self.osaka_time.is_none_or(|osaka| osaka > time) {
            return Err(conflict(
                &path,
                format!("begins at {time}, and Osaka, on which it builds, does not hold then"),
                "set `osakaTime` at or below it",
            ));
        }
        if let Some(needed) = eip.needs()
            && !self.eips_at(time).has(needed)
        {
            return Err(conflict(
                &path,
                format!("begins at {time} without {needed}, on which it builds"),
                &format!("switch `{}` on at or below that time", needed.key()),
            ));
        }
        Ok(())
    }

    fn time_of(&self, fork: SpecId) -> Option<(&'static str, u64)> {
        match fork {
            SpecId::PRAGUE => Some(("pragueTime", self.prague_time?)),
            SpecId::OSAKA => Some(("osakaTime", self.osaka_time?)),
            _ => None,
        }
    }
}

fn path(key: &str) -> String {
    format!("config.rollwright.eips.{key}")
}

fn unknown(key: &str) -> String {
    let known = Eip::ALL.map(Eip::key);
    match key {
        "eip7778" | "eip7843" | "eip7928" | "eip8037" => {
            "it changes what a header says, and comes with its whole fork only".into()
        }
        _ => match nearest(key, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("remove it (known keys: {})", known.join(", ")),
        },
    }
}
