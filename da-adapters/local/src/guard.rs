use crate::Error;
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// True while this thread is inside of an access whose panic becomes an error.
/// A program's panic hook may ask, so as to print nothing then.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Runs one access to the layer's file. The database trusts its pages: over a
/// damaged one it may panic, which becomes [`Error::Corrupt`] here, so that a
/// bad file never takes the process down. Nothing that was under way is
/// committed then.
pub(crate) fn guarded<T>(
    path: &Path,
    access: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(access));
    GUARDED.set(before);
    result.unwrap_or_else(|_| {
        Err(Error::Corrupt {
            path: path.to_owned(),
            what: "the database cannot make sense of a page".into(),
        })
    })
}
