use super::{Branch, Child, Leaf, Meter, NodeSource, TrieError, node::Slots, source::Reader};
use alloy_primitives::B256;
use alloy_trie::Nibbles;
use rayon::prelude::*;
use std::sync::Arc;

/// Below this many keys a subtree is not worth a task of its own.
const PARALLEL_KEYS: usize = 128;

/// A key's new value.
#[derive(Clone, Debug)]
pub struct Update {
    /// Hashed key.
    pub key: B256,
    /// RLP of the value; `None` deletes.
    pub value: Option<Box<[u8]>>,
    /// True where the trie holds the key before the update. Must be right.
    pub exists: bool,
}

/// The branch now stored at a path; `None` where there is none any more.
/// A later entry of the same path replaces an earlier one.
pub type NodeWrites = Vec<(Nibbles, Option<Arc<Branch>>)>;

/// How nodes in memory are treated while a version is made.
#[derive(Debug)]
pub struct Pass<'a> {
    /// Counts the bytes of nodes.
    pub meter: &'a Meter,
    /// Age of the youngest ancestor whose state the source holds: nodes of that
    /// age or older can be read again.
    pub stored: u64,
    /// Age of the version that is being made; above that of all its ancestors.
    pub age: u64,
}

/// Applies updates, ascending by key and each key once, to the trie `root`.
///
/// Returns the root of the changed trie, every hash computed, and appends to
/// `writes` what differs in the stored branches. The trie before stays as it
/// is. Work is proportional to the branches on the keys' paths; large batches
/// are spread over threads. The result does not depend on that.
pub fn update(
    source: &dyn NodeSource,
    pass: &Pass<'_>,
    root: Option<Child>,
    updates: &[Update],
    writes: &mut NodeWrites,
) -> Result<Option<Child>, TrieError> {
    let updates: Vec<Item<'_>> = updates
        .iter()
        .map(|update| Item {
            key: Nibbles::unpack_array(&update.key.0),
            value: update.value.as_deref(),
            exists: update.exists,
        })
        .collect();
    let walk = Walk {
        reader: Reader {
            source,
            meter: pass.meter,
            stored: pass.stored,
        },
        born: pass.age,
    };
    walk.child(Nibbles::new(), root, &updates, writes)
}

#[derive(Clone, Copy)]
struct Item<'a> {
    key: Nibbles,
    value: Option<&'a [u8]>,
    exists: bool,
}

/// Where a branch hangs.
#[derive(Clone, Copy)]
struct Place {
    path: Nibbles,
    /// The extension above it.
    prefix: Nibbles,
    /// True where a branch is stored there before.
    stored: bool,
}

impl Place {
    /// What becomes of the branch that is stored there.
    fn write(&self, branch: Option<&Arc<Branch>>, writes: &mut NodeWrites) {
        match branch.filter(|branch| branch.is_stored()) {
            Some(branch) => writes.push((self.path, Some(Arc::clone(branch)))),
            None if self.stored => writes.push((self.path, None)),
            None => {}
        }
    }
}

struct Walk<'a> {
    reader: Reader<'a>,
    born: u64,
}

impl Walk<'_> {
    fn child(
        &self,
        path: Nibbles,
        child: Option<Child>,
        items: &[Item<'_>],
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, TrieError> {
        if items.is_empty() {
            return Ok(child);
        }
        match child {
            None => self.grow(path, items, writes),
            Some(Child::StoredLeaf(node)) => {
                // A leaf's place is below exactly one existing key: this one.
                if items.iter().any(|item| item.exists) {
                    return self.grow(path, items, writes);
                }
                let leaf = self.reader.load_leaf(&path, &node)?;
                self.beside_leaf(path, &leaf, items, writes)
            }
            Some(Child::Leaf(_, leaf)) => self.beside_leaf(path, &leaf, items, writes),
            Some(child) => {
                let branch = self.reader.load(&path, &child)?;
                self.branch(path, &branch, items, writes)
            }
        }
    }

    fn leaf(&self, suffix: Nibbles, value: &[u8]) -> Child {
        let leaf = Leaf::new(suffix, value.into(), self.born, self.reader.meter);
        Child::leaf(leaf)
    }

    /// A subtree from nothing but the updates.
    fn grow(
        &self,
        path: Nibbles,
        items: &[Item<'_>],
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, TrieError> {
        let alone = |item: &Item<'_>| {
            let suffix = item.key.slice(path.len()..);
            item.value.map(|value| self.leaf(suffix, value))
        };
        if let [item] = items {
            // Most often: one key, where it stood before.
            return Ok(alone(item));
        }
        let live: Vec<Item<'_>> = items
            .iter()
            .filter(|i| i.value.is_some())
            .copied()
            .collect();
        let (first, last) = match live.as_slice() {
            [] => return Ok(None),
            [item] => return Ok(alone(item)),
            [first, .., last] => (first, last),
        };
        let common = first.key.common_prefix_length(&last.key);
        let prefix = first.key.slice(path.len()..common);
        let place = Place {
            path,
            prefix,
            stored: false,
        };
        self.fill(place, &mut Slots::default(), &live, writes)
    }

    /// Updates at the place of one leaf.
    fn beside_leaf(
        &self,
        path: Nibbles,
        leaf: &Leaf,
        items: &[Item<'_>],
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, TrieError> {
        let key = path.join(&leaf.suffix);
        let mut merged = items.to_vec();
        if let Err(place) = items.binary_search_by(|item| item.key.cmp(&key)) {
            let old = Item {
                key,
                value: Some(&leaf.value),
                exists: true,
            };
            merged.insert(place, old);
        }
        self.grow(path, &merged, writes)
    }

    fn branch(
        &self,
        path: Nibbles,
        branch: &Branch,
        items: &[Item<'_>],
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, TrieError> {
        let whole = path.join(&branch.prefix);
        // How far the keys to insert follow the extension.
        let shared = items
            .iter()
            .filter(|item| item.value.is_some())
            .map(|item| item.key.common_prefix_length(&whole))
            .min()
            .map_or(whole.len(), |shared| shared.min(whole.len()));
        if shared == whole.len() {
            let mut slots = branch.slots(self.reader.stored);
            let place = Place {
                path,
                prefix: branch.prefix,
                stored: branch.is_stored(),
            };
            return self.fill(place, &mut slots, items, writes);
        }
        // A key leaves within the extension: the branch moves down.
        let nibble = whole.get_unchecked(shared);
        let rest = whole.slice(shared + 1..);
        let (node, moved) = branch.moved(rest, self.born, self.reader.meter);
        let moved = Arc::new(moved);
        if moved.is_stored() {
            writes.push((whole.slice(..=shared), Some(Arc::clone(&moved))));
        }
        let mut slots = Slots::default();
        slots[usize::from(nibble)] = Some(Child::branch(node, moved));
        let place = Place {
            path,
            prefix: whole.slice(path.len()..shared),
            stored: branch.is_stored(),
        };
        self.fill(place, &mut slots, items, writes)
    }

    /// Distributes updates over the children of the branch below `prefix`.
    fn fill(
        &self,
        place: Place,
        slots: &mut Slots,
        items: &[Item<'_>],
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, TrieError> {
        let whole = place.path.join(&place.prefix);
        // Deletions of keys that were never below here drop out.
        let start = items.partition_point(|item| item.key < whole);
        let below: &[Item<'_>] = &items[start..];
        let count = below.partition_point(|item| item.key.starts_with(&whole));
        let below = &below[..count];
        if below.len() >= PARALLEL_KEYS {
            self.fill_apart(whole, slots, below, writes)?;
        } else {
            for (nibble, these) in by_nibble(whole.len(), below) {
                let slot = &mut slots[usize::from(nibble)];
                let mut at = whole;
                at.push(nibble);
                *slot = self.child(at, slot.take(), these, writes)?;
            }
        }
        self.seal(place, slots, writes)
    }

    /// Each child in a task of its own.
    fn fill_apart(
        &self,
        whole: Nibbles,
        slots: &mut Slots,
        below: &[Item<'_>],
        writes: &mut NodeWrites,
    ) -> Result<(), TrieError> {
        let jobs: Vec<_> = by_nibble(whole.len(), below)
            .map(|(nibble, these)| (nibble, slots[usize::from(nibble)].take(), these))
            .collect();
        let run = |(nibble, child, these): (u8, Option<Child>, &[Item<'_>])| {
            let mut own = NodeWrites::new();
            let mut at = whole;
            at.push(nibble);
            self.child(at, child, these, &mut own)
                .map(|child| (nibble, child, own))
        };
        let done: Vec<_> = jobs.into_par_iter().map(run).collect::<Result<_, _>>()?;
        for (nibble, child, own) in done {
            slots[usize::from(nibble)] = child;
            writes.extend(own);
        }
        Ok(())
    }

    /// Makes a node of what is left of a branch.
    fn seal(
        &self,
        place: Place,
        slots: &mut Slots,
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, TrieError> {
        let mut left = (0..16u8).filter(|nibble| slots[usize::from(*nibble)].is_some());
        let (first, second) = (left.next(), left.next());
        match (first, second) {
            (None, _) => {
                place.write(None, writes);
                Ok(None)
            }
            (Some(nibble), None) => {
                let child = slots[usize::from(nibble)].take();
                place.write(None, writes);
                child
                    .map(|child| self.collapse(place, nibble, &child, writes))
                    .transpose()
            }
            _ => {
                let (node, branch) = Branch::new(place.prefix, slots, self.born, self.reader.meter);
                let branch = Arc::new(branch);
                place.write(Some(&branch), writes);
                Ok(Some(Child::branch(node, branch)))
            }
        }
    }

    /// The only child of a branch takes the branch's place.
    fn collapse(
        &self,
        place: Place,
        nibble: u8,
        child: &Child,
        writes: &mut NodeWrites,
    ) -> Result<Child, TrieError> {
        let Place {
            path, mut prefix, ..
        } = place;
        let mut at = path.join(&prefix);
        at.push(nibble);
        prefix.push(nibble);
        let meter = self.reader.meter;
        if child.born().is_none_or(|born| born < self.born) {
            for rlp in self.reader.rlp(&at, child)? {
                self.reader.source.visited(&rlp);
            }
        }
        let loaded;
        let leaf = match child {
            Child::StoredLeaf(node) => {
                loaded = Arc::new(self.reader.load_leaf(&at, node)?);
                &loaded
            }
            Child::Leaf(_, leaf) => leaf,
            child => {
                let branch = self.reader.load(&at, child)?;
                return Ok(self.lift(path, at, prefix, &branch, writes));
            }
        };
        let suffix = prefix.join(&leaf.suffix);
        Ok(Child::leaf(leaf.moved(suffix, self.born, meter)))
    }

    fn lift(
        &self,
        path: Nibbles,
        from: Nibbles,
        prefix: Nibbles,
        branch: &Branch,
        writes: &mut NodeWrites,
    ) -> Child {
        let prefix = prefix.join(&branch.prefix);
        let (node, branch) = branch.moved(prefix, self.born, self.reader.meter);
        let branch = Arc::new(branch);
        if branch.is_stored() {
            writes.push((from, None));
            writes.push((path, Some(Arc::clone(&branch))));
        }
        Child::branch(node, branch)
    }
}

/// The keys below each nibble that follows their first `depth`, ascending.
fn by_nibble<'a, 'b>(
    depth: usize,
    items: &'b [Item<'a>],
) -> impl Iterator<Item = (u8, &'b [Item<'a>])> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let nibble = rest.first()?.key.get_unchecked(depth);
        let count = rest.partition_point(|item| item.key.get_unchecked(depth) == nibble);
        let (these, others) = rest.split_at(count);
        rest = others;
        Some((nibble, these))
    })
}
