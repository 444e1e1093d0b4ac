use super::{DaBlockId, ExecutionWitness, VmId};
use alloc::{string::String, vec::Vec};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use core::time::Duration;

/// What is claimed about a rollup after one step of derivation with execution
/// (`settlement.md` §1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// Format version; 1.
    pub version: u8,
    /// The state machine.
    pub vm_id: VmId,
    /// keccak256 of the chain configuration.
    pub config_hash: B256,
    /// Block number of the head.
    pub number: u64,
    /// Its timestamp in Unix seconds.
    pub timestamp: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Its state root.
    pub state_root: B256,
    /// Storage root of the message passer.
    pub outbox_root: B256,
    /// Base fees burned since genesis, in wei.
    pub burned_fees: U256,
    /// keccak256 of the DA layer's and network's name.
    pub da_layer: B256,
    /// The DA block that derivation has read up to.
    pub da_block: DaBlockId,
    /// Hash of the deriver's state.
    pub deriver_state: B256,
}

impl Commitment {
    /// keccak256 of the ABI encoding: thirteen static words in field order,
    /// `da_block` as height and hash.
    pub fn hash(&self) -> B256 {
        let words: [B256; 13] = [
            word(u64::from(self.version)),
            self.vm_id.0,
            self.config_hash,
            word(self.number),
            word(self.timestamp),
            self.block_hash,
            self.state_root,
            self.outbox_root,
            B256::from(self.burned_fees.to_be_bytes::<32>()),
            self.da_layer,
            word(self.da_block.height.0),
            self.da_block.hash,
            self.deriver_state,
        ];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.0).collect();
        keccak256(bytes)
    }
}

fn word(value: u64) -> B256 {
    B256::from(U256::from(value).to_be_bytes::<32>())
}

/// A chain of commitments from one that is agreed to a DA target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Claim {
    /// Hash of the commitment that this starts from.
    pub pre: B256,
    /// The DA block up to which derivation is claimed.
    pub da_target: DaBlockId,
    /// The commitment's hash after each step; 1 to [`Claim::MAX_STEPS`].
    pub steps: Vec<B256>,
    /// The commitment that the last step leads to, in full.
    pub last: Commitment,
}

impl Claim {
    /// Most steps in one claim.
    pub const MAX_STEPS: usize = 1024;

    /// keccak256 of the borsh encoding: the identity that `propose` is
    /// idempotent by.
    pub fn id(&self) -> ClaimId {
        let mut out = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        ClaimId(keccak256(out))
    }
}

/// Names a claim.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct ClaimId(pub B256);

/// How a settlement mode makes a state believed, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Which mode.
    pub kind: ModeKind,
    /// When a claim is final.
    pub finality: FinalityRule,
    /// Whom a user trusts, in one sentence for people.
    pub trust: String,
}

/// The settlement modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModeKind {
    /// No settlement chain; every node verifies by itself.
    Sovereign,
    /// A quorum of signers.
    Checkpoint,
    /// Claims stand unless disputed within a window.
    Optimistic,
    /// The settlement chain re-executes.
    Native,
    /// A succinct proof.
    Validity,
}

/// When a claim is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalityRule {
    /// With the DA block that it was derived from.
    DaFinal,
    /// When it is included in a final settlement block.
    Included,
    /// After this time without a lost game.
    Window(Duration),
}

/// How far settlement has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettlementHead {
    /// Last commitment proposed.
    pub proposed: Option<Commitment>,
    /// Last commitment that is final.
    pub finalized: Option<Commitment>,
    /// Settlement block that this was read at; 0 where there is none.
    pub settlement_block: u64,
}

/// The state of one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimStatus {
    /// Accepted; becomes final at this Unix time unless disputed.
    Pending {
        /// Unix seconds.
        until: u64,
    },
    /// A game is open.
    Disputed,
    /// Final.
    Final,
    /// Lost or withdrawn.
    Rejected,
    /// Not known to the settlement layer.
    Unknown,
}

/// Names one game on a claim. Several run in parallel, one per challenger.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct GameId(pub B256);

/// A move in a dispute.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[expect(clippy::large_enum_variant, reason = "one per dispute, never in bulk")]
pub enum Move {
    /// Open a game at a step.
    Challenge {
        /// Index of the first wrong step.
        step: u32,
    },
    /// Answer with intermediate state hashes.
    Bisect {
        /// The game.
        game: GameId,
        /// Hashes in order.
        hashes: Vec<B256>,
    },
    /// Choose the first segment whose end is disputed.
    Select {
        /// The game.
        game: GameId,
        /// Its index.
        segment: u32,
    },
    /// Prove a step; without a game, against or for the claim itself.
    Prove {
        /// The game, where one is open.
        game: Option<GameId>,
        /// The proof.
        proof: Evidence,
    },
    /// Claim a win by the other's clock.
    Timeout {
        /// The game.
        game: GameId,
    },
}

/// Evidence for or against one step, by kind of proof system.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[expect(clippy::large_enum_variant, reason = "one per dispute, never in bulk")]
pub enum Evidence {
    /// Signatures over the commitment.
    Attestation(Vec<Bytes>),
    /// Re-execution: what the verifier gives, and the witness.
    Execute {
        /// Index of the step.
        step: u32,
        /// The step's starting commitment.
        pre: Commitment,
        /// What the verifier supplies.
        given: Given,
        /// Trie nodes and codes.
        witness: ExecutionWitness,
    },
    /// One instruction of the interactive game.
    Interactive(Bytes),
    /// A succinct proof.
    Zk(Bytes),
}

/// Facts that come from the verifier, never from a prover.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Given {
    /// Canonical DA blocks, ascending.
    pub da_blocks: Vec<DaBlockId>,
    /// Counterpart roots that anchors must hold.
    pub counterparts: Vec<super::CounterpartRoot>,
}

/// Kinds of proof system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofKind {
    /// Signatures.
    Attestation,
    /// Re-execution.
    Execute,
    /// Interactive game.
    Interactive,
    /// Succinct proof.
    Zk,
}

/// The steps that a proof covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The agreed start.
    pub pre: Commitment,
    /// Commitment hashes after each step.
    pub steps: Vec<B256>,
    /// What the verifier supplies.
    pub given: Given,
}

/// A dispute game as a participant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameState {
    /// The game.
    pub game: GameId,
    /// The disputed claim.
    pub claim: ClaimId,
    /// The disputed step.
    pub step: u32,
    /// State hashes agreed and disputed, from start to end of the segment.
    pub bounds: (B256, B256),
    /// Length of the segment in instructions.
    pub length: u64,
    /// True where it is our turn.
    pub our_turn: bool,
    /// Unix seconds at which the side whose turn it is loses by its clock.
    pub deadline: u64,
}
