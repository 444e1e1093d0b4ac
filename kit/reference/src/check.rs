//! Both derivers over one scene, in every way in which a node may come to it.

use crate::{
    Difference, DriveError, Engine, Executor, History, Real, Reason, Refusal, Scene, Script,
    compare, derive, drive,
};
use std::{collections::BTreeMap, fmt};

/// What a scene came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How often each rule dropped something.
    pub rules: BTreeMap<Reason, u64>,
    /// How often each fault of a payload or a forced transaction was refused.
    pub refusals: BTreeMap<Refusal, u64>,
    /// DA blocks read, over all branches.
    pub da_blocks: u64,
    /// Blocks derived, over all branches.
    pub blocks: u64,
    /// Reorganisations.
    pub reorganisations: u64,
}

impl Checked {
    /// Adds what another scene came to.
    pub fn add(&mut self, other: &Self) {
        for (reason, count) in &other.rules {
            *self.rules.entry(*reason).or_default() += count;
        }
        for (refusal, count) in &other.refusals {
            *self.refusals.entry(*refusal).or_default() += count;
        }
        self.da_blocks += other.da_blocks;
        self.blocks += other.blocks;
        self.reorganisations += other.reorganisations;
    }

    /// The rules that dropped nothing.
    pub fn missed(&self) -> Vec<Reason> {
        let all = Reason::ALL.iter().copied();
        all.filter(|reason| !self.rules.contains_key(reason))
            .collect()
    }

    /// The faults of FORMAT.md that nothing was refused for.
    pub fn missed_refusals(&self) -> Vec<Refusal> {
        let all = Refusal::FORMAT.iter().copied();
        all.filter(|refusal| !self.refusals.contains_key(refusal))
            .collect()
    }
}

/// Why a scene failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The deriver cannot be driven, or the engine failed.
    Drive(DriveError<E>),
    /// The reference's engine failed.
    Engine(E),
    /// The two differ.
    Differs {
        /// On which branch.
        branch: usize,
        /// How the deriver came there.
        way: Way,
        /// Where.
        difference: Box<Difference>,
    },
    /// An interrupted deriver has another state than one that was not.
    State {
        /// On which branch.
        branch: usize,
        /// At which DA block.
        ordinal: u64,
    },
}

/// How a deriver came to a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Straight from the first DA block.
    Straight,
    /// Interrupted in each DA block, started again from its records, through
    /// every reorganisation.
    Interrupted,
    /// From its encoded state, anew at each DA block.
    Reloaded,
    /// Back to the first branch in the end.
    Back,
}

impl<E: fmt::Debug> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drive(error) => write!(f, "the deriver cannot be driven: {error:?}"),
            Self::Engine(error) => write!(f, "the engine failed: {error:?}"),
            Self::Differs {
                branch,
                way,
                difference,
            } => write!(f, "branch {branch}, {way:?}: {difference}"),
            Self::State { branch, ordinal } => write!(
                f,
                "branch {branch}, DA block {ordinal}: an interrupted deriver has another state"
            ),
        }
    }
}

impl<E> From<DriveError<E>> for Failure<E> {
    fn from(error: DriveError<E>) -> Self {
        Self::Drive(error)
    }
}

/// Plays a script and compares, on each branch and after a switch back.
///
/// # Errors
/// The first difference.
pub fn check<E: Engine>(script: &Script) -> Result<Checked, Failure<E::Error>> {
    let mut scene = Scene::<E>::play(script)?;
    let branches = std::mem::take(&mut scene.branches);
    let mut checked = Checked::default();
    // What every branch shares can be final.
    let shared = shared(&branches);
    let chain = scene.chain.clone();
    let codec = scene.engine.codec();
    let mut interrupted = Real::new(&chain, codec.clone()).map_err(DriveError::Config)?;
    let mut derivations = Vec::new();
    for (history, branch) in branches.iter().zip(0..) {
        let history = History {
            finalized: shared.min(history.blocks.len()),
            ..history.clone()
        };
        let payloads = scene.engine.payloads();
        let derivation =
            derive(&chain, &payloads, &history, &mut scene).map_err(Failure::Engine)?;
        checked.da_blocks += history.blocks.len() as u64;
        for step in &derivation.steps {
            for rule in &step.rules {
                *checked.rules.entry(*rule).or_default() += 1;
            }
            for refusal in &step.refusals {
                *checked.refusals.entry(*refusal).or_default() += 1;
            }
            checked.blocks += step.inputs.len() as u64;
        }
        let last = history.blocks.len().saturating_sub(1) as u64;
        let known = history.finalized.max(chain.epoch_at(last).1 as usize);
        let compared = |real: &mut Real<E::Codec>, way| {
            let finalized = real.finalize(&history, history.finalized);
            // Another branch may have begun an epoch that this one does not reach.
            let more = real.deriver.final_below().0 > known as u64;
            let finalized = (!more).then_some(finalized);
            match compare(&derivation, &real.driven, finalized) {
                None => Ok(()),
                Some(difference) => Err(Failure::Differs {
                    branch,
                    way,
                    difference: Box::new(difference),
                }),
            }
        };
        let mut straight = drive(&chain, codec.clone(), &history, &mut scene)?;
        compared(&mut straight, Way::Straight)?;
        go_on(&mut interrupted, &history, &mut scene)?;
        compared(&mut interrupted, Way::Interrupted)?;
        same_states(branch, &straight, &interrupted)?;
        if branch == 0 {
            let mut reloaded = Real::new(&chain, codec.clone()).map_err(DriveError::Config)?;
            for (block, ordinal) in history.blocks.iter().zip(0u64..) {
                let below = history.below.get(&ordinal);
                reloaded.read(block, below, &mut scene)?;
                reloaded.reload()?;
            }
            let found = compare(&derivation, &reloaded.driven, None);
            if let Some(difference) = found {
                return Err(Failure::Differs {
                    branch,
                    way: Way::Reloaded,
                    difference: Box::new(difference),
                });
            }
            same_states(branch, &straight, &reloaded)?;
        }
        derivations.push((history, derivation));
    }
    checked.reorganisations += branches.len() as u64 - 1;
    if let (Some((history, derivation)), true) = (derivations.first(), branches.len() > 1)
        // What an epoch's begin made final is not undone.
        && common(&interrupted, history) as u64 >= interrupted.deriver.final_below().0
    {
        go_on(&mut interrupted, history, &mut scene)?;
        let finalized = interrupted.finalize(history, history.finalized);
        if let Some(difference) = compare(derivation, &interrupted.driven, Some(finalized)) {
            return Err(Failure::Differs {
                branch: 0,
                way: Way::Back,
                difference: Box::new(difference),
            });
        }
    }
    Ok(checked)
}

/// Takes a deriver from wherever it is to the end of a history: back to the
/// last common block, then on, dying in each DA block and after it.
fn go_on<C: rollwright_derive::BatchCodec, E: Executor>(
    real: &mut Real<C>,
    history: &History,
    executor: &mut E,
) -> Result<(), DriveError<E::Error>> {
    let common = common(real, history);
    if common < real.driven.len() {
        real.rollback(common as u64)?;
    }
    for (block, at) in history.blocks.iter().zip(0u64..).skip(common) {
        let below = history.below.get(&at);
        real.read_in_part(block, below, (at % 3) as usize, executor)?;
        real.read(block, below, executor)?;
        real.restart()?;
    }
    Ok(())
}

/// How many DA blocks of a history a deriver has read.
fn common<C>(real: &Real<C>, history: &History) -> usize {
    let read = real.driven.iter().map(|driven| driven.step.header.hash);
    let wanted = history.blocks.iter().map(|block| block.header.hash);
    read.zip(wanted).take_while(|(a, b)| a == b).count()
}

fn same_states<C, E>(branch: usize, one: &Real<C>, other: &Real<C>) -> Result<(), Failure<E>> {
    let hash = |real: &Real<C>, at: usize| real.driven.get(at).map(|it| it.step.state_hash);
    for at in 0..one.driven.len() {
        if hash(one, at) != hash(other, at) {
            let ordinal = at as u64;
            return Err(Failure::State { branch, ordinal });
        }
    }
    Ok(())
}

/// How many DA blocks all branches share.
fn shared(branches: &[History]) -> usize {
    let Some(first) = branches.first() else {
        return 0;
    };
    let with = |other: &History| {
        let pairs = first.blocks.iter().zip(&other.blocks);
        pairs
            .take_while(|(a, b)| a.header.hash == b.header.hash)
            .count()
    };
    branches.iter().map(with).min().unwrap_or(0)
}

/// Checks the scene of a seed.
///
/// # Errors
/// The first difference.
pub fn replay_seed<E: Engine>(seed: u64) -> Result<Checked, Failure<E::Error>> {
    check::<E>(&Script::from_seed(seed))
}

/// Checks the scene of any bytes.
///
/// # Errors
/// The first difference.
pub fn replay_bytes<E: Engine>(bytes: &[u8]) -> Result<Checked, Failure<E::Error>> {
    check::<E>(&Script::from_bytes(bytes))
}

/// Leaves out actions for as long as the script still fails.
#[must_use]
pub fn shrink(script: &Script, fails: impl Fn(&Script) -> bool) -> Script {
    let mut least = script.clone();
    let mut chunk = least.actions.len().div_ceil(2);
    while chunk > 0 {
        let mut at = 0;
        let mut left_out = false;
        while at < least.actions.len() {
            let mut shorter = least.clone();
            let end = (at + chunk).min(shorter.actions.len());
            shorter.actions.drain(at..end);
            if fails(&shorter) {
                least = shorter;
                left_out = true;
            } else {
                at += chunk;
            }
        }
        if chunk == 1 && !left_out {
            break;
        }
        chunk = if chunk == 1 { 1 } else { chunk / 2 };
    }
    least
}
