//! Why a payload or a forced transaction is refused.

use std::fmt;

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Every reason for which a payload, or a transaction of the forced
        /// lane, is refused. A node tells none of them from another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refusal {
            $($(#[doc = $doc])+ $name,)+
            /// A batch of the in-memory engine is not well-formed.
            Memory,
        }

        impl Refusal {
            /// Those of FORMAT.md, in its order, and of what the forced lane
            /// admits of Ethereum transactions.
            pub const FORMAT: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

refusals! {
    /// A varint is longer than it needs to be.
    VarintForm,
    /// A varint exceeds 64 bits, or ten bytes.
    VarintWide,
    /// Something ends before what its counts promise.
    Ends,
    /// A parity bit that stands for no transaction is set.
    ParityBits,
    /// The decompressed length is less than what is not compressed.
    LengthShort,
    /// Without compression: the columns have another length than was said.
    Length,
    /// zstd: the payload does not begin with a frame.
    ZstdMagic,
    /// zstd: checksum, dictionary id, reserved or unused bit.
    ZstdDescriptor,
    /// zstd: the content size is missing, or another than was said.
    ZstdSize,
    /// zstd: the window exceeds 8 MiB.
    ZstdWindow,
    /// zstd: the decoder fails, or finds another length than the header says.
    ZstdStream,
    /// zstd: something follows the frame.
    ZstdRest,
    /// brotli: the decoder fails, or finds another length than was said.
    BrotliStream,
    /// brotli: something follows the stream.
    BrotliRest,
    /// An index column has a code that is not below its bound.
    CodeBound,
    /// An entry stands twice in a dictionary.
    DictionaryTwice,
    /// A code names an entry that is not in use yet, or there is none left.
    DictionaryTurn,
    /// An entry of a dictionary is not used.
    DictionaryUnused,
    /// A number has more than 32 bytes.
    NumberLength,
    /// A mantissa begins with a zero byte.
    MantissaZero,
    /// An exponent is not the largest possible.
    ExponentSmall,
    /// A number with an exponent is not below 2^128.
    ExponentLarge,
    /// Column 2: the transactions of all blocks are not as many as was said.
    BlockCounts,
    /// Column 2: a block has more transactions than a block may.
    BlockTransactions,
    /// Column 3: no such kind of transaction.
    ShapeKind,
    /// Column 3: a field that the kind lacks, no such calldata, or bit 7.
    ShapeForm,
    /// Column 3: a shape stands twice.
    ShapeTwice,
    /// Column 3: shapes are not in order of first use.
    ShapeOrder,
    /// Column 3: a shape is not used.
    ShapeUnused,
    /// Column 3: there are transactions and no shapes.
    ShapeMissing,
    /// Column 6: a fee exceeds 128 bits.
    FeeWide,
    /// Column 9: the calldata is empty, or could be ABI words.
    CalldataLength,
    /// Column 10: a word of 17 to 20 bytes that is no address code, or another that is.
    WordForm,
    /// Column 11: an access list is empty.
    AccessEmpty,
    /// Column 12: an authorisation list is empty.
    AuthorisationEmpty,
    /// Column 12: there are not as many authorisations as signatures.
    AuthorisationCount,
    /// Column 12: no such kind of chain.
    AuthorisationChain,
    /// Column 12: another chain that is zero or ours.
    AuthorisationOther,
    /// Something follows the last column.
    Rest,
    /// A signature's s exceeds n/2.
    HighS,
    /// A signature does not recover to a sender.
    Recovery,
    /// Column 4: one slot has two senders.
    SlotSenders,
    /// Column 4: one sender has two slots.
    SenderSlots,
    /// A block expands to more than `blockBytes`.
    BlockBytes,
    /// The batch expands to more than `decompressedBytes`.
    BatchBytes,
    /// Forced lane: no transaction of Ethereum in its canonical form.
    ForcedForm,
    /// Forced lane: a blob transaction.
    ForcedType,
    /// Forced lane: an authorisation list that is empty.
    ForcedAuthorisations,
    /// Forced lane: another chain's, or no chain's.
    ForcedChain,
    /// Forced lane: the signature is not canonical, or recovers to nobody.
    ForcedSignature,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
