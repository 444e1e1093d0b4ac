//! Signature recovery, once per transaction.
