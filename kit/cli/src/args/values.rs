//! Values that are checked while they are read.

use rollwright::config::DaChoice;

/// A chain id in decimal or hexadecimal digits; one that every client can
/// hold, a safe integer of JavaScript.
pub(super) fn chain_id(text: &str) -> Result<u64, String> {
    const LARGEST: u64 = (1 << 53) - 1;
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    match u64::from_str_radix(digits, radix) {
        Ok(id) if (1..=LARGEST).contains(&id) && !digits.starts_with('+') => Ok(id),
        Ok(_) => Err(format!("a chain id lies between 1 and {LARGEST}")),
        Err(_) => Err("write a chain id as 42069 or 0xa455".to_owned()),
    }
}

/// A DA block time for which the rules of a development chain hold.
pub(super) fn da_block_time(text: &str) -> Result<rollwright::config::Period, String> {
    let period: rollwright::config::Period = text.parse()?;
    let range = rollwright::dev::DA_BLOCK_TIME_MS;
    if range.contains(&period.as_millis()) {
        return Ok(period);
    }
    let limit = rollwright::config::Period::from_millis;
    Err(format!(
        "a development chain's DA block time lies between {} and {}",
        limit(*range.start()),
        limit(*range.end())
    ))
}

/// A port, or a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// This one.
    Fixed(u16),
    /// Any that is free.
    Auto,
}

impl Port {
    /// The number to listen on; 0 takes a free one.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Fixed(port) => port,
            Self::Auto => 0,
        }
    }
}

impl std::str::FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" | "0" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Fixed)
                .map_err(|_| format!("`{text}` is neither a port (1 to 65535) nor `auto`")),
        }
    }
}

/// Where a DA layer is reached: `URL` for the one that the chain began on,
/// `LAYER=URL` for another of its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DaUrl {
    /// The layer; `None` is the first one.
    pub(crate) layer: Option<DaChoice>,
    /// Its address.
    pub(crate) url: String,
}

impl DaUrl {
    /// As the facade takes it.
    pub(crate) fn pair(&self) -> (Option<DaChoice>, String) {
        (self.layer, self.url.clone())
    }
}

impl std::str::FromStr for DaUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty() && name.chars().all(char::is_alphabetic));
        let (layer, url) = match named {
            None => (None, text),
            Some((name, url)) => match DaChoice::of_layer(name) {
                Some(layer) => (Some(layer), url),
                None => {
                    return Err(format!(
                        "`{name}` is no DA layer; write local=URL, celestia=URL or ethereum=URL"
                    ));
                }
            },
        };
        Ok(Self {
            layer,
            url: url.to_owned(),
        })
    }
}
