#![doc = include_str!("../README.md")]

pub mod machine;
pub mod oracle;

mod clock;
mod conductor;
mod config;
mod da;
mod draw;
mod engine;
mod feed;
mod forger;
mod hostile;
mod judge;
mod life;
mod node;
mod plan;
mod rotation;
mod run;
mod second;
mod shrink;
mod trace;
mod users;
mod world;

pub use clock::SimClock;
pub use conductor::{Conductor, MOST_POLLS};
pub use config::small;
pub use da::{Layer, LayerConfig, SimDa, SimDaError, SimLayer, Spell, SpellKind};
pub use draw::Draw;
pub use engine::{SimEngine, SimEngineError};
pub use feed::Feeds;
pub use forger::{Forger, signer};
pub use hostile::{Hostile, malleate};
pub use judge::{Judge, Verdict};
pub use life::{Death, Guarded, Life, LifeSpawner, Written};
pub use node::{Condition, Process, SimNode, SimRollup, Surroundings};
pub use oracle::{Oracle, Violation};
pub use plan::{Event, NodePlan, Plan, Sabotage, SimRole, What};
pub use rotation::Rotation;
pub use run::{Failed, Met, Outcome, in_virtual_time, run, run_all};
pub use shrink::shrink;
pub use trace::{START_MS, Trace};
pub use users::{ForcedUser, Users};
pub use world::World;
