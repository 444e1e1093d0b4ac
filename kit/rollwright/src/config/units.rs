use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr, time::Duration};

/// A duration with its unit, as in `250ms`, `1s`, `10m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// Whole milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }

    /// Whole milliseconds, saturating.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|error| format!("`{text}` is not a duration ({error}); write a number with a unit, such as 250ms or 1s"))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

/// A number of bytes with its unit, as in `120KiB`, `256MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not a size; write a whole number with B, KiB, MiB or GiB, such as 120KiB"
            )
        };
        let (digits, factor) = UNITS
            .iter()
            .find_map(|(unit, factor)| text.strip_suffix(unit).map(|digits| (digits, *factor)))
            .ok_or_else(refuse)?;
        let count: u64 = digits.trim().parse().map_err(|_| refuse())?;
        count.checked_mul(factor).map(Self).ok_or_else(refuse)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// An amount of the L1's currency with its unit, as in `30gwei`, `0.5eth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wei(pub u128);

const WEI_UNITS: [(&str, u32); 3] = [("gwei", 9), ("eth", 18), ("wei", 0)];

impl FromStr for Wei {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not an amount; write a number with wei, gwei or eth, such as 30gwei"
            )
        };
        let (digits, decimals) = WEI_UNITS
            .iter()
            .find_map(|(unit, decimals)| text.strip_suffix(unit).map(|digits| (digits, *decimals)))
            .ok_or_else(refuse)?;
        let (whole, part) = digits.trim().split_once('.').unwrap_or((digits.trim(), ""));
        let part = part.trim_end_matches('0');
        let places = u32::try_from(part.len()).map_err(|_| refuse())?;
        if whole.is_empty() || places > decimals || !part.bytes().all(|c| c.is_ascii_digit()) {
            return Err(refuse());
        }
        let number: u128 = format!("{whole}{part}").parse().map_err(|_| refuse())?;
        let factor = 10_u128.checked_pow(decimals - places);
        factor
            .and_then(|factor| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(refuse)
    }
}

impl fmt::Display for Wei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, decimals) in [("eth", 18), ("gwei", 9)] {
            // In thousandths, so that half an ether reads as 0.5eth.
            let thousandth = 10_u128.pow(decimals - 3);
            if self.0 != 0 && self.0.is_multiple_of(thousandth) {
                let (whole, part) = (self.0 / thousandth / 1_000, self.0 / thousandth % 1_000);
                if part == 0 {
                    return write!(f, "{whole}{unit}");
                }
                let part = format!("{part:03}");
                return write!(f, "{whole}.{}{unit}", part.trim_end_matches('0'));
            }
        }
        write!(f, "{}wei", self.0)
    }
}

/// An amount per day, as in `0.5eth/day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeiPerDay(pub u128);

impl FromStr for WeiPerDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let amount = text
            .strip_suffix("/day")
            .ok_or_else(|| format!("`{text}` is not an amount per day, such as 0.5eth/day"))?;
        Ok(Self(amount.parse::<Wei>()?.0))
    }
}

impl fmt::Display for WeiPerDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/day", Wei(self.0))
    }
}

/// A gas price on Celestia, as in `0.004utia`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtiaPerGas {
    /// In millionths of a utia.
    pub micro: u64,
}

impl UtiaPerGas {
    /// From millionths of a utia per gas.
    pub const fn from_micro(micro: u64) -> Self {
        Self { micro }
    }
}

impl FromStr for UtiaPerGas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// Most digits behind the point.
        const PLACES: usize = 6;
        let refuse = || {
            format!(
                "`{text}` is not a gas price: a decimal number of utia with at most six places, such as `0.004utia`"
            )
        };
        let digits = text.strip_suffix("utia").unwrap_or(text).trim();
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
        if whole.is_empty() || part.len() > PLACES || !all(whole) || !all(part) {
            return Err(refuse());
        }
        let micro = format!("{whole}{part:0<PLACES$}").parse();
        micro.map(Self::from_micro).map_err(|_| refuse())
    }
}

impl fmt::Display for UtiaPerGas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.micro / 1_000_000, self.micro % 1_000_000);
        if part == 0 {
            return write!(f, "{whole}utia");
        }
        let part = format!("{part:06}");
        write!(f, "{whole}.{}utia", part.trim_end_matches('0'))
    }
}

/// An amount per day on Celestia, as in `5tia/day` or `600000utia/day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtiaPerDay(pub u64);

/// Millionths of a TIA.
const UTIA_PER_TIA: u64 = 1_000_000;

impl FromStr for UtiaPerDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not an amount per day, such as 5tia/day, with at most six places, or 600000utia/day"
            )
        };
        let amount = text.strip_suffix("/day").ok_or_else(refuse)?;
        if let Some(utia) = amount.strip_suffix("utia") {
            return utia.trim().parse().map(Self).map_err(|_| refuse());
        }
        // A price has the same six places.
        let tia = amount.strip_suffix("tia").ok_or_else(refuse)?.trim();
        let tia: UtiaPerGas = tia.parse().map_err(|_| refuse())?;
        Ok(Self(tia.micro))
    }
}

impl fmt::Display for UtiaPerDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % UTIA_PER_TIA {
            0 => write!(f, "{}tia/day", self.0 / UTIA_PER_TIA),
            _ => write!(f, "{}utia/day", self.0),
        }
    }
}

macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(D::Error::custom)
            }
        }
    };
}

serde_as_text!(Period);
serde_as_text!(ByteSize);
serde_as_text!(UtiaPerDay);
serde_as_text!(UtiaPerGas);
serde_as_text!(Wei);
serde_as_text!(WeiPerDay);
