use crate::Error;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Runs one access to the layer's file. The database trusts its pages: over a
/// damaged one it may panic, which becomes [`Error::Corrupt`] here, so that a
/// bad file never takes the process down. Nothing that was under way is
/// committed then.
pub(crate) fn guarded<T>(
    path: &Path,
    access: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(access)).unwrap_or_else(|_| {
        Err(Error::Corrupt {
            path: path.to_owned(),
            what: "the database cannot make sense of a page".into(),
        })
    })
}
