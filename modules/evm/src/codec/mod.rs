//! The batch codec: Ethereum transactions in columns.
