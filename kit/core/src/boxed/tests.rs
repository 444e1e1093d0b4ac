use super::*;
use crate::{ErrorKind, LayerError as _, memory::MemoryDaError};

#[test]
fn a_boxed_error_keeps_kind_code_text_and_type() {
    let error = MemoryDaError::TooLarge {
        bytes: 2,
        max_bytes: 1,
    };
    let boxed = BoxError::new(error.clone());
    assert_eq!(boxed.kind(), ErrorKind::Rejected);
    assert_eq!(boxed.code(), error.code());
    assert_eq!(boxed.to_string(), error.to_string());
    assert_eq!(boxed.downcast_ref(), Some(&error));
}
