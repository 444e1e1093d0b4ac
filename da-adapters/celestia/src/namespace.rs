//! Where a rollup's blobs lie among those of others.

use alloy_primitives::hex;
use celestia_types::{DataAvailabilityHeader, nmt::Namespace};

/// Bytes of a namespace's own part.
const NAME_BYTES: usize = 10;

/// Bytes of a namespace with version and leading zeros.
const FULL_BYTES: usize = 29;

/// The widest extended square that a header is believed to have: twice the
/// hard cap of 512 of the original one.
pub const MAX_EXTENDED_WIDTH: usize = 1_024;

/// Why a text names no namespace that a rollup can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// Neither a short text nor hex digits.
    #[error(
        "`{0}` names no namespace: a text of 1 to 10 bytes, or 0x and the hex digits of at most \
         10 bytes or of all 29"
    )]
    Spelling(String),
    /// A namespace that Celestia keeps for itself.
    #[error("the namespace {0} is reserved by Celestia: take another one")]
    Reserved(String),
}

/// The namespace of a text of 1 to 10 bytes, which is padded with zero bytes
/// on the left, or of `0x` and the hex digits of at most 10 or of all 29 bytes.
///
/// Only version 0 is for rollups; reserved namespaces are refused.
///
/// ```
/// use rollwright_da_celestia::{namespace_text, parse_namespace};
///
/// let namespace = parse_namespace("gizmo")?;
/// assert_eq!(namespace, parse_namespace("0x67697a6d6f")?);
/// assert_eq!(namespace, parse_namespace(&namespace_text(namespace))?);
/// # Ok::<(), rollwright_da_celestia::NamespaceError>(())
/// ```
pub fn parse_namespace(text: &str) -> Result<Namespace, NamespaceError> {
    let refuse = || NamespaceError::Spelling(text.chars().take(80).collect());
    let namespace = match text.strip_prefix("0x") {
        None if (1..=NAME_BYTES).contains(&text.len()) => Namespace::new_v0(text.as_bytes()),
        None => return Err(refuse()),
        Some(digits) => {
            let bytes = hex::decode(digits).map_err(|_| refuse())?;
            match bytes.len() {
                1..=NAME_BYTES => Namespace::new_v0(&bytes),
                FULL_BYTES => Namespace::from_raw(&bytes),
                _ => return Err(refuse()),
            }
        }
    }
    .map_err(|_| refuse())?;
    if namespace.is_reserved() {
        return Err(NamespaceError::Reserved(namespace_text(namespace)));
    }
    Ok(namespace)
}

/// The full form: `0x` and 58 hex digits.
pub fn namespace_text(namespace: Namespace) -> String {
    hex::encode_prefixed(namespace.as_bytes())
}

/// Rows whose range of namespaces includes `namespace`, ascending. None means
/// that the header alone proves its absence.
///
/// Rows beyond [`MAX_EXTENDED_WIDTH`] are not looked at; no header that was
/// validated has any.
pub fn candidate_rows(dah: &DataAvailabilityHeader, namespace: Namespace) -> Vec<u16> {
    let rows = dah.row_roots().len().min(MAX_EXTENDED_WIDTH);
    (0..u16::try_from(rows).unwrap_or(u16::MAX))
        .filter(|&row| dah.row_contains(row, namespace).unwrap_or(false))
        .collect()
}

#[cfg(test)]
mod tests;
