use crate::{
    Conductor, Draw, Judge, Process, Trace,
    engine::short,
    machine::{Chain, account, balances, stranger},
};
use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::Mutex;
use rollwright_core::{ChainStore, SubmitError};
use rollwright_node::NodeHandle;
use std::{collections::BTreeMap, sync::Arc};

/// Those who send transactions to the sequencer, one after the other each.
#[derive(Debug)]
pub struct Users {
    users: Vec<User>,
    draw: Draw,
    answers: Arc<Mutex<Vec<Answer>>>,
    /// What was acknowledged, with its hash.
    pub acknowledged: BTreeMap<B256, Bytes>,
    /// True while they send.
    pub active: bool,
    /// How often, in a thousand looks, each of them sends.
    pub load: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct User {
    nonce: u64,
    asked: bool,
}

#[derive(Debug)]
struct Answer {
    user: usize,
    bytes: Bytes,
    result: Option<Result<B256, SubmitError>>,
}

impl Users {
    /// They have sent nothing yet.
    pub fn new(draw: Draw, load: u32) -> Self {
        Self {
            load,
            users: vec![User::default(); account::USER_COUNT],
            draw,
            answers: Arc::default(),
            acknowledged: BTreeMap::new(),
            active: true,
        }
    }

    /// Takes in answers, and sends what comes next.
    pub fn turn<C: Chain>(
        &mut self,
        process: Option<&Process<C>>,
        handle: Option<&NodeHandle>,
        conductor: &Conductor,
        trace: &Trace,
    ) {
        let answers = std::mem::take(&mut *self.answers.lock());
        for answer in answers {
            let Some(user) = self.users.get_mut(answer.user) else {
                continue;
            };
            user.asked = false;
            let said = match &answer.result {
                Some(Ok(_)) => "acknowledged".to_owned(),
                Some(Err(error)) => error.to_string(),
                None => "no answer".to_owned(),
            };
            let hash = short(keccak256(&answer.bytes));
            let who = format!("user{}", answer.user);
            trace.say(&who, &format_args!("{} {hash}: {said}", user.nonce));
            match answer.result {
                Some(Ok(hash)) => {
                    user.nonce += 1;
                    self.acknowledged.insert(hash, answer.bytes);
                }
                // It got there before, unacknowledged.
                Some(Err(SubmitError::AlreadyKnown(_))) => user.nonce += 1,
                Some(Err(SubmitError::Invalid(_))) => {
                    // Included before, unacknowledged.
                    if let Some(process) = process {
                        user.nonce = user.nonce.max(nonce::<C>(process, answer.user));
                    }
                }
                Some(Err(_)) | None => {}
            }
        }
        let (Some(process), Some(handle)) = (process, handle) else {
            return;
        };
        for index in 0..self.users.len() {
            let asks = self.draw.permille(self.load) && self.active;
            let to = stranger(self.draw.below(4));
            let value = 1 + self.draw.below(1_000);
            let Some(user) = self.users.get_mut(index) else {
                continue;
            };
            if !asks || user.asked {
                continue;
            }
            user.asked = true;
            let bytes = C::transfer(account::USERS + index, user.nonce, to, value);
            let (api, sent) = (handle.api(), bytes.clone());
            let answering = process.life.guard(async move { api.submit(sent).await });
            let answers = self.answers.clone();
            conductor.spawn(async move {
                let result = answering.await;
                answers.lock().push(Answer {
                    user: index,
                    bytes,
                    result,
                });
            });
        }
    }
}

fn nonce<C: Chain>(process: &Process<C>, user: usize) -> u64 {
    let Ok(heads) = process.engine.inner().heads() else {
        return 0;
    };
    let address = C::account(account::USERS + user);
    let found = balances(process.engine.inner(), heads.latest, &[address]);
    found.first().map_or(0, |(_, nonce)| *nonce)
}

/// Somebody who uses the forced lane: posts, waits for the derived chain, and
/// posts again where it was crowded out or lost.
#[derive(Debug)]
pub struct ForcedUser {
    draw: Draw,
    /// What it waits for, with the DA height at which it was posted last.
    waiting: Option<(Bytes, u64)>,
    nonce: u64,
    /// How many were included.
    pub included: u64,
    /// How often it had to post again.
    pub again: u64,
}

impl ForcedUser {
    /// It has posted nothing yet.
    pub const fn new(draw: Draw) -> Self {
        Self {
            draw,
            waiting: None,
            nonce: 0,
            included: 0,
            again: 0,
        }
    }

    /// True while it waits for a transaction.
    pub const fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// What it posts now, if anything.
    pub fn turn<C: Chain>(&mut self, judge: &Judge<C>, height: u64, active: bool) -> Option<Bytes> {
        let found = balances(&judge.engine, judge.head(), &[C::account(account::FORCED)]);
        let nonce = found.first().map_or(0, |(_, nonce)| *nonce);
        if let Some((bytes, posted)) = &mut self.waiting {
            if nonce > self.nonce {
                self.included += 1;
                self.waiting = None;
                return None;
            }
            let hash = keccak256(&*bytes);
            let queued = judge
                .state()
                .forced()
                .any(|(_, entry)| keccak256(entry) == hash);
            if queued || height < *posted + 6 {
                return None;
            }
            *posted = height;
            self.again += 1;
            return Some(bytes.clone());
        }
        if !active || !self.draw.permille(60) {
            return None;
        }
        // A reorganisation may have undone the last one.
        self.nonce = nonce;
        let bytes = C::transfer(account::FORCED, nonce, stranger(9), 5);
        self.waiting = Some((bytes.clone(), height));
        Some(bytes)
    }
}
