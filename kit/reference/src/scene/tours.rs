//! Scripts that look for every fault one after the other, in most forms that
//! it has.

use super::{Action, Script, Verb};
use crate::Refusal;

const fn action(verb: Verb, how: [u8; 5]) -> Action {
    Action { verb, how }
}

/// A DA block, one second after the one before.
const MINE: Action = action(Verb::Mine, [1; 5]);

/// A sound batch of one block on the derived head.
const SOUND: Action = action(Verb::Craft, [0, 0, 0, 1, 2]);

const fn script(kind: u8, actions: Vec<Action>) -> Script {
    let chain = [kind, 0, 1, 0];
    Script { chain, actions }
}

impl Script {
    /// For every rule of the protocol, posted things that it drops.
    pub fn protocol_tours() -> Vec<Self> {
        vec![
            faulty_batches(1),
            faulty_batches(2),
            ended_batches(),
            steps(),
            left_window(),
            pieces(),
            capacity(),
            expiries(),
            full_queue(),
            forced(),
        ]
    }

    /// Every refusal of the batch format and of forced transactions.
    pub fn format_tours() -> Vec<Self> {
        // By their salts none follows another batch than the derived ones.
        [2, 4, 5, 7, 8, 10, 11, 13, 14, 16].map(format).to_vec()
    }
}

/// Each fault of a batch by hand, and behind it a batch without one.
fn faulty_batches(content: u8) -> Script {
    let mut actions = vec![MINE; 3];
    for fault in 100..=185 {
        let how = [fault, 0, content, content.wrapping_mul(fault), 2];
        actions.extend([action(Verb::Craft, how), SOUND, MINE]);
    }
    script(0, actions)
}

/// Batches with an invalid block, and what waited behind them.
fn ended_batches() -> Script {
    let mut actions = vec![MINE; 3];
    for fault in 107..=116 {
        let follows = action(Verb::Craft, [0, 0, 0, 1, 0]);
        let ends = action(Verb::Craft, [fault, 0, 1, fault, 2]);
        actions.extend([ends, follows, MINE]);
    }
    script(0, actions)
}

/// A first block on an origin far above genesis', then below its parent's; so
/// much decoded in vain that a sound batch waits for the next DA block.
fn steps() -> Script {
    let far = action(Verb::Craft, [136, 0, 0, 0, 2]);
    let back = action(Verb::Craft, [137, 0, 0, 0, 2]);
    let waste = action(Verb::Craft, [166, 0, 0, 1, 2]);
    let mut actions = vec![MINE; 7];
    actions.extend([far, MINE, SOUND, MINE, MINE, SOUND, MINE]);
    actions.extend([back, MINE, back, MINE, waste, SOUND, MINE, MINE]);
    script(0, actions)
}

/// A batch whose first block's origin has just left the window, and whose last
/// one's has not.
fn left_window() -> Script {
    let late = action(Verb::Craft, [130, 0, 0, 0, 2]);
    let mut actions = vec![MINE; 10];
    actions.extend([late, MINE]);
    script(0, actions)
}

/// Each fault of a part by hand, of keys of the schedule and others.
fn pieces() -> Script {
    let mut actions = vec![MINE; 2];
    for fault in 0..24 {
        for signer in 0..2 {
            let piece = |a, b| action(Verb::Piece, [fault, signer, a, b, 1 + signer]);
            actions.extend([piece(0, 5), piece(1, 5), piece(2, 5), piece(1, 3)]);
        }
        actions.push(MINE);
    }
    let attempts = [3, 0, 1].map(|cut| action(Verb::Craft, [0, 64 * cut, 0, 1, 2]));
    for attempt in attempts {
        actions.extend([action(Verb::Piece, [20, 0, 0, 4, 1]), attempt, MINE]);
    }
    for kind in 0..9 {
        let garbage = action(Verb::Garbage, [kind, kind, 40, 1, kind]);
        actions.extend([garbage, MINE]);
    }
    script(1, actions)
}

/// More bytes, and more batches of a number, than a key may have stored.
fn capacity() -> Script {
    let mut actions = vec![MINE; 2];
    for which in 0..4 {
        for index in 0..3 {
            actions.push(action(Verb::Piece, [9, 0, index, 1, which]));
        }
    }
    actions.extend([MINE; 5]);
    for which in 10..20 {
        actions.push(action(Verb::Piece, [23, 0, 0, 1, which]));
    }
    actions.push(MINE);
    script(0, actions)
}

/// A complete batch that waits for a parent and parts of the next one, whose
/// times end at one DA block.
fn expiries() -> Script {
    let waits = action(Verb::Craft, [152, 0, 0, 1, 2]);
    let parts = action(Verb::Piece, [20, 0, 0, 1, 1]);
    let mut actions = vec![MINE; 2];
    actions.extend([waits, MINE, MINE, MINE, MINE, MINE, MINE]);
    actions.extend([parts, MINE, MINE, MINE, MINE, MINE]);
    script(0, actions)
}

/// Forced transactions faster than anything takes them.
fn full_queue() -> Script {
    let force = action(Verb::Force, [4, 14, 0, 3, 1]);
    script(0, [force, MINE].repeat(12))
}

/// Each kind of forced transaction, alone and with others.
fn forced() -> Script {
    let mut actions = vec![MINE; 2];
    for kind in 0..20 {
        for count in [0, 4] {
            actions.push(action(Verb::Force, [count, kind, 0, kind % 3, 1]));
            actions.push(MINE);
        }
    }
    script(0, actions)
}

fn format(salt: u8) -> Script {
    let mut actions = vec![MINE; 3];
    for fault in 0..Refusal::FORMAT.len() as u8 {
        actions.push(action(Verb::Craft, [200, 0, 0, fault, salt]));
        if fault % 4 == 3 {
            actions.push(MINE);
        }
    }
    for kind in 0..20 {
        actions.push(action(Verb::Force, [0, kind, 0, salt, 1]));
        actions.push(MINE);
    }
    // With large blocks, or with small ones.
    script(64 * (salt % 2), actions)
}
