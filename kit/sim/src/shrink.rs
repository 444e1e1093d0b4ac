use crate::{Plan, SpellKind, What};

/// Makes a failing plan smaller as long as it fails: leaves out events, from
/// large groups to single ones, then nodes, scheduling, time.
///
/// `fails` runs a plan. Returns the smallest plan found, after at most `tries`
/// runs; it fails, too.
pub fn shrink(plan: &Plan, tries: u32, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut best = plan.clone();
    let mut left = tries;
    let mut attempt = |candidate: Plan, best: &mut Plan| {
        if left == 0 || candidate.size() >= best.size() {
            return false;
        }
        left -= 1;
        let smaller = fails(&candidate);
        if smaller {
            *best = candidate;
        }
        smaller
    };
    let mut group = best.events.len().max(1);
    while group > 0 {
        let mut at = 0;
        while at < best.events.len() {
            let mut candidate = best.clone();
            let end = (at + group).min(candidate.events.len());
            candidate.events.drain(at..end);
            if !attempt(candidate, &mut best) {
                at += group;
            }
        }
        group /= 2;
    }
    for at in (1..best.nodes.len()).rev() {
        if let Some(candidate) = without_node(&best, at) {
            attempt(candidate, &mut best);
        }
    }
    let mut same_key = best.clone();
    same_key.rotation = None;
    attempt(same_key, &mut best);
    while !best.epochs.is_empty() {
        let mut fewer = best.clone();
        fewer.epochs.pop();
        if !attempt(fewer, &mut best) {
            break;
        }
    }
    let mut straight = best.clone();
    straight.detours = 0;
    attempt(straight, &mut best);
    loop {
        let mut shorter = best.clone();
        let last = shorter.events.last().map_or(0, |event| event.at_ms);
        shorter.length_ms = (shorter.length_ms / 2).max(last + 1_000);
        if !attempt(shorter, &mut best) {
            return best;
        }
    }
}

/// The plan without a node on which nothing else depends.
fn without_node(plan: &Plan, at: usize) -> Option<Plan> {
    use crate::SimRole;
    let lower = |of: usize| if of > at { of - 1 } else { of };
    let mut smaller = plan.clone();
    smaller.nodes.remove(at);
    for node in &mut smaller.nodes {
        match &mut node.role {
            SimRole::Replica { of } | SimRole::FromSnapshot { of } => {
                if *of == at {
                    return None;
                }
                *of = lower(*of);
            }
            SimRole::Sequencer | SimRole::Follower => {}
        }
    }
    smaller.events.retain_mut(|event| match &mut event.what {
        What::Kill { node, .. } | What::Stop { node, .. } | What::Skew { node, .. } => {
            let stays = *node != at;
            *node = lower(*node);
            stays
        }
        What::Weather {
            node: Some(node),
            kind,
            ..
        } => {
            let stays = *node != at || *kind == SpellKind::Stall;
            *node = lower(*node);
            stays
        }
        _ => true,
    });
    Some(smaller)
}
