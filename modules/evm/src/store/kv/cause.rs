//! The database library's errors, in words that name the cure.

use super::KvError;
use fjall::{Error, LsmError};
use std::io;

/// What `error` means for the one who runs the node; `what` was attempted.
pub(super) fn explain(what: impl Into<String>, error: Error) -> KvError {
    let damaged = |what: String, detail: &str| KvError::Damaged {
        what,
        detail: detail.to_owned(),
    };
    let what = what.into();
    match error {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => from_io(what, error),
        Error::Poisoned => KvError::backend(
            what,
            "an earlier write failed, and nothing is written after it; see that the disk has \
             space and works, then start again",
        ),
        Error::KeyspaceDeleted | Error::Locked => KvError::backend(what, error),
        Error::Unrecoverable | Error::Storage(LsmError::Unrecoverable) => {
            damaged(what, "a file of it is missing or does not read")
        }
        Error::InvalidVersion(_) | Error::Storage(LsmError::InvalidVersion(_)) => {
            damaged(what, "its format is unknown to this release")
        }
        Error::JournalRecovery(_) => damaged(what, "its journal does not read"),
        Error::Storage(LsmError::ChecksumMismatch { .. }) => {
            damaged(what, "a block of it does not have its checksum")
        }
        _ => damaged(what, "a file of it does not read"),
    }
}

/// The same for the file system's errors.
pub(super) fn from_io(what: String, error: io::Error) -> KvError {
    use io::ErrorKind::{InvalidData, QuotaExceeded, StorageFull, UnexpectedEof};
    match error.kind() {
        StorageFull | QuotaExceeded => KvError::DiskFull { what },
        InvalidData | UnexpectedEof => KvError::Damaged {
            what,
            detail: error.to_string(),
        },
        _ => KvError::backend(what, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use rollwright_core::{ErrorKind, LayerError};

    #[test]
    fn causes_have_a_kind_a_code_and_a_cure_without_the_librarys_words() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for (error, kind, code, cure) in [
            (
                Error::Io(full()),
                ErrorKind::Temporary,
                "RW-STORE-116",
                "free space",
            ),
            (
                Error::Storage(LsmError::Io(full())),
                ErrorKind::Temporary,
                "RW-STORE-116",
                "free space",
            ),
            (
                Error::Unrecoverable,
                ErrorKind::Fatal,
                "RW-STORE-117",
                "delete that folder",
            ),
            (
                Error::Storage(LsmError::InvalidVersion(9)),
                ErrorKind::Fatal,
                "RW-STORE-117",
                "delete that folder",
            ),
            (
                Error::InvalidTrailer,
                ErrorKind::Fatal,
                "RW-STORE-117",
                "delete that folder",
            ),
            (
                Error::Poisoned,
                ErrorKind::Fatal,
                "RW-STORE-115",
                "start again",
            ),
        ] {
            let error = StoreError::from(explain("cannot open /data/state", error));
            let text = error.to_string();
            assert_eq!((error.kind(), error.code()), (kind, code), "{text}");
            assert!(
                text.contains(cure) && text.contains("/data/state"),
                "{text}"
            );
            assert!(!text.contains("Error"), "{text}");
        }
    }
}
