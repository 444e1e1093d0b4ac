//! Checks at start that configuration, store and layers belong together.

use crate::{NodeError, SequencerConfig, layers::least_piece, records};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{ChainStore, DaCaps, RecordChange};
use rollwright_derive::{DeriverState, RuleSet, Rules};

/// What a store remembers of the configuration that filled it.
#[derive(Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Identity {
    amendments: u64,
}

/// The record that a store which is filled from a snapshot begins with.
pub(crate) fn record(amendments: usize) -> RecordChange {
    let identity = Identity {
        amendments: amendments as u64,
    };
    records::put(records::IDENTITY, &identity)
}

/// The DA layers must be those that the chain names. An epoch without a layer
/// is said; the chain may not have reached it.
pub(crate) fn check_da(rules: &Rules, caps: &[DaCaps]) -> Result<(), NodeError> {
    for (epoch, caps) in rules.epochs().iter().zip(caps) {
        let da = &epoch.config;
        if da.layer == caps.layer && da.network == caps.network {
            continue;
        }
        let from = match epoch.index {
            0 => String::new(),
            _ => format!(" from ordinal {} on", epoch.begins),
        };
        return Err(NodeError::Config {
            what: format!(
                "the chain lives{from} on DA layer {} network {}, and the configured one is {} network {}",
                da.layer, da.network, caps.layer, caps.network
            ),
            help: "point `[da]` to the layer that genesis.json names under config.rollwright.da, or an amendment, or use the data directory that belongs to this layer".into(),
        });
    }
    if caps.len() > rules.epochs().len() {
        return Err(NodeError::Config {
            what: format!(
                "{} DA layers are given, and the chain has {} DA epochs",
                caps.len(),
                rules.epochs().len()
            ),
            help: "give the amendment that begins the next epoch, or leave the layer out".into(),
        });
    }
    if let Some(missing) = rules.epochs().get(caps.len()) {
        tracing::warn!(
            target: "node",
            ordinal = %missing.begins,
            "the chain goes over to the DA layer {}, which is not configured here",
            missing.config.layer
        );
    }
    Ok(())
}

/// Amendments are only appended, and not below what is derived.
pub(crate) fn check_amendments<S: ChainStore>(
    store: &S,
    rules: &Rules,
    state: &DeriverState,
) -> Result<(), NodeError> {
    let now = rules.amendments().len();
    let known: Option<Identity> = records::get(store, records::IDENTITY)?;
    let before = known.as_ref().map_or(now, |identity| {
        usize::try_from(identity.amendments).unwrap_or(usize::MAX)
    });
    let refused = |what: String| {
        NodeError::Config {
        what,
        help: "give the same list of amendments as every other node of the chain, or wipe the state and derive again".into(),
    }
    };
    if before > now {
        return Err(refused(format!(
            "{before} amendments were in force here, and only {now} are configured"
        )));
    }
    if let Some(derived) = state.last_ordinal() {
        rules
            .check_not_too_late(before, derived)
            .map_err(|error| refused(error.to_string()))?;
    }
    let identity = Identity {
        amendments: now as u64,
    };
    if known.as_ref() == Some(&identity) {
        return Ok(());
    }
    store
        .put_records(&[record(now)])
        .map_err(NodeError::execution)
}

/// The sequencer's own settings must fit the chain's rules, and the layer must
/// carry the blocks that these allow.
pub(crate) fn check_sequencer(
    config: &SequencerConfig,
    rules: &Rules,
    state: &DeriverState,
    caps: &[DaCaps],
) -> Result<(), NodeError> {
    let set = rules.at(state.next_ordinal());
    let piece = least_piece(caps);
    set.check_layer(piece).map_err(NodeError::derive)?;
    for later in rules.beginning_above(state.next_ordinal()) {
        if let Err(error) = later.check_layer(piece) {
            // Blocks are made smaller within a window of it; said in time.
            tracing::warn!(target: "node", "{error}");
        }
    }
    let depth = config.confirmation_depth;
    if depth == 0 || depth > set.timing.force_delay {
        return Err(NodeError::Config {
            what: format!(
                "the sequencer's confirmation depth is {depth}; the chain allows 1 to {}",
                set.timing.force_delay
            ),
            help:
                "set it within these bounds: forced transactions must be known before they are due"
                    .into(),
        });
    }
    let address = config.key.address();
    let in_force = set.keys.contains(&address);
    let later = |set: &RuleSet| set.keys.contains(&address);
    if !in_force && rules.beginning_above(state.next_ordinal()).any(later) {
        // Batches wait until then; so does admission.
        tracing::warn!(target: "node", "the sequencer's key {address} is not in force yet");
    } else if !in_force {
        return Err(NodeError::Config {
            what: format!(
                "the sequencer's key {address} is not in the chain's key schedule"
            ),
            help: "configure the secret of one of the keys in config.rollwright.keys of genesis.json, or run as follower".into(),
        });
    }
    if let Some(codec) = config.post.codec
        && !set.codecs.contains(&codec)
    {
        return Err(NodeError::Config {
            what: format!(
                "batches of codec {} are not accepted on this chain",
                codec.0
            ),
            help: "name one of config.rollwright.codecs of genesis.json, or none".into(),
        });
    }
    Ok(())
}
