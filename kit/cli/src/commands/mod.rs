//! One file a command.

#[cfg(feature = "celestia")]
pub(crate) mod celestia_devnet;
pub(crate) mod chain;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod da;
pub(crate) mod dev;
pub(crate) mod evidence;
pub(crate) mod evm;
pub(crate) mod explain;
pub(crate) mod force_include;
pub(crate) mod import;
pub(crate) mod interrupts;
pub(crate) mod keys;
#[cfg(feature = "celestia")]
pub(crate) mod light;
pub(crate) mod new;
pub(crate) mod rpc;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod snapshot;
pub(crate) mod verify;
pub(crate) mod version;
