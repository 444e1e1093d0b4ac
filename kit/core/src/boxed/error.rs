use crate::{ErrorKind, LayerError};
use std::{error::Error, fmt, sync::Arc};

/// The error of a boxed layer: any layer's error with its kind and code kept.
///
/// It prints as the layer's own error does, and that error is its `source`'s
/// place: [`downcast_ref`](Self::downcast_ref) finds it.
#[derive(Clone)]
pub struct BoxError {
    kind: ErrorKind,
    code: &'static str,
    error: Arc<dyn Error + Send + Sync>,
}

impl BoxError {
    /// Wraps a layer's error.
    pub fn new(error: impl LayerError) -> Self {
        Self {
            kind: error.kind(),
            code: error.code(),
            error: Arc::new(error),
        }
    }

    /// The layer's own error, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.error.downcast_ref()
    }
}

impl fmt::Debug for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl fmt::Display for BoxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl Error for BoxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl LayerError for BoxError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn code(&self) -> &'static str {
        self.code
    }
}
