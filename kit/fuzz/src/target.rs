use std::fmt;

/// One subject that reads bytes from outside.
#[derive(Clone, Copy)]
pub struct Target {
    /// Name of its folder under `corpus/` and of its dictionary.
    pub name: &'static str,
    /// What is fed, and what must hold.
    pub about: &'static str,
    /// Feeds the bytes. Panics where something does not hold.
    ///
    /// The same bytes do the same every time, whatever was fed before.
    pub run: fn(&[u8]),
    /// Inputs made by the real encoders: the same ones at every call.
    pub seeds: fn() -> Vec<Seed>,
    /// Longest input that the engine tries, in bytes.
    pub max_len: usize,
    /// What a run may hold at its peak above what was held before.
    pub memory: Memory,
    /// Words of the format, for the engine to put into inputs.
    pub words: &'static [&'static [u8]],
}

/// A named input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// File name in the corpus.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Seed {
    /// A seed under a name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
        }
    }
}

/// A bound on memory that grows with the input and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes for an input of no length.
    pub base: usize,
    /// Bytes for each byte of input.
    pub per_byte: usize,
}

impl Memory {
    /// What a decoder may take that keeps nothing but what it has read.
    pub const SMALL: Self = Self {
        base: 64 << 10,
        per_byte: 64,
    };

    /// What a decoder of borsh may take. Borsh takes up to 1 MiB for one byte
    /// string before it sees that its length is wrong, and fails then.
    pub const BORSH: Self = Self {
        base: (1 << 20) + (256 << 10),
        per_byte: 512,
    };

    /// `megabytes`, and 64 bytes for each byte of input.
    pub const fn megabytes(megabytes: usize) -> Self {
        Self {
            base: megabytes << 20,
            per_byte: 64,
        }
    }

    /// The bound for an input of a length.
    pub const fn bound(&self, len: usize) -> usize {
        self.base.saturating_add(self.per_byte.saturating_mul(len))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("name", &self.name)
            .field("about", &self.about)
            .field("max_len", &self.max_len)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
