//! The engine that a node drives.
