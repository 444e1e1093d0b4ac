//! The pool against a model that keeps a plain list.

use super::{Pool, PoolConfig, tests::tx_at};
use alloy_primitives::{Address, B256};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

const LIMIT: usize = 12;
const PER_SENDER: usize = 6;

#[derive(Clone, Debug)]
enum Step {
    Insert { sender: u8, nonce: u64, fee: u128 },
    Include { sender: u8 },
    Remove { sender: u8, nonce: u64 },
    Account { sender: u8, nonce: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_u8, 0..10_u64, 1..40_u128).prop_map(|(sender, nonce, fee)| Step::Insert { sender, nonce, fee }),
        2 => (0..4_u8).prop_map(|sender| Step::Include { sender }),
        1 => (0..4_u8, 0..10_u64).prop_map(|(sender, nonce)| Step::Remove { sender, nonce }),
        1 => (0..4_u8, 0..10_u64).prop_map(|(sender, nonce)| Step::Account { sender, nonce }),
    ]
}

#[derive(Default)]
struct Model {
    accounts: BTreeMap<u8, u64>,
    waiting: BTreeMap<(u8, u64), (u128, B256)>,
}

impl Model {
    fn ready(&self, sender: u8) -> u64 {
        let start = self.accounts.get(&sender).copied().unwrap_or(0);
        (start..)
            .take_while(|nonce| self.waiting.contains_key(&(sender, *nonce)))
            .count() as u64
    }

    fn of(&self, sender: u8) -> usize {
        self.waiting
            .keys()
            .filter(|(owner, _)| *owner == sender)
            .count()
    }

    fn all_ready(&self) -> u64 {
        (0..4).map(|sender| self.ready(sender)).sum()
    }
}

proptest! {
    #[test]
    fn the_pool_agrees_with_the_model(steps in vec(step(), 1..120)) {
        let config = PoolConfig { max_transactions: LIMIT, max_per_sender: PER_SENDER, ..PoolConfig::default() };
        let mut pool = Pool::new(config);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Insert { sender, nonce, fee } => {
                    let account = model.accounts.get(&sender).copied().unwrap_or(0);
                    let (admission, bytes) = tx_at(sender, nonce, fee, account);
                    let old = model.waiting.get(&(sender, nonce)).copied();
                    let result = pool.insert(&admission, bytes, 0);
                    let must_fail = nonce < account
                        || old.is_some_and(|(paid, _)| fee < paid + paid.div_ceil(10).max(1));
                    prop_assert!(!(must_fail && result.is_ok()));
                    let room = model.waiting.len() < LIMIT && model.of(sender) < PER_SENDER;
                    prop_assert!(must_fail || !(room || old.is_some()) || result.is_ok());
                    if let Ok(inserted) = result {
                        prop_assert_eq!(inserted.replaced, old.map(|(_, hash)| hash));
                        for hash in &inserted.evicted {
                            // Only a last transaction is evicted, so no gap arises.
                            let (key, _) = model.waiting.iter().find(|(_, (_, h))| h == hash).map(|(k, v)| (*k, *v)).unwrap();
                            prop_assert!(!model.waiting.contains_key(&(key.0, key.1 + 1)) || key.0 == sender);
                            model.waiting.remove(&key);
                        }
                        model.waiting.insert((sender, nonce), (fee, inserted.hash));
                    }
                }
                Step::Include { sender } => {
                    let account = model.accounts.get(&sender).copied().unwrap_or(0);
                    if let Some((_, hash)) = model.waiting.get(&(sender, account)).copied() {
                        prop_assert_eq!(pool.included(&[hash]), 0);
                        model.waiting.remove(&(sender, account));
                        model.accounts.insert(sender, account + 1);
                    }
                }
                Step::Remove { sender, nonce } => {
                    let known = model.waiting.remove(&(sender, nonce));
                    if let Some((_, hash)) = known {
                        prop_assert!(pool.remove(&hash).is_some());
                    }
                }
                Step::Account { sender, nonce } => {
                    let account = model.accounts.entry(sender).or_default();
                    if nonce >= *account {
                        *account = nonce;
                        pool.account_is_at(Address::repeat_byte(sender), nonce);
                        model.waiting.retain(|(owner, n), _| *owner != sender || *n >= nonce);
                    }
                }
            }
            prop_assert!(model.waiting.len() <= LIMIT);
            let status = pool.status();
            prop_assert_eq!(status.pending + status.queued, model.waiting.len());
            prop_assert_eq!(status.pending as u64, model.all_ready());
            for sender in 0..4 {
                let ready = model.ready(sender);
                let account = model.accounts.get(&sender).copied().unwrap_or(0);
                let next = pool.next_nonce(&Address::repeat_byte(sender));
                prop_assert_eq!(next, (ready > 0).then_some(account + ready));
            }
        }
    }
}
