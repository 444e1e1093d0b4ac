use super::{BlockRef, Proof};
use alloc::{string::String, vec::Vec};
use alloy_primitives::{B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

/// Names a light client of a counterpart chain on this chain (ICS-24; v2 has
/// no connections or channels).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ClientId(pub String);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// IBC v2 payload (ICS-04 v2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Payload {
    /// Port of the sending application.
    pub source_port: String,
    /// Port of the receiving application.
    pub destination_port: String,
    /// Application version.
    pub version: String,
    /// Encoding of `value`.
    pub encoding: String,
    /// Application data.
    pub value: Bytes,
}

/// IBC v2 packet (ICS-04 v2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct IbcPacket {
    /// Counts from 1 per source client.
    pub sequence: u64,
    /// Client of the counterpart on the sending chain.
    pub source_client: ClientId,
    /// Client of the sender on the receiving chain.
    pub destination_client: ClientId,
    /// Unix seconds from which on the packet can only time out.
    pub timeout_timestamp: u64,
    /// One or more payloads.
    pub payloads: Vec<Payload>,
}

/// Acknowledgement: one entry per payload, or the single universal error.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Acknowledgement {
    /// Application acknowledgements; none is empty.
    pub app_acknowledgements: Vec<Bytes>,
}

/// Something that a relayer must carry to the counterpart.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Outbound {
    /// A packet was sent here.
    Sent(IbcPacket),
    /// A packet was received and acknowledged here.
    Acknowledged(IbcPacket, Acknowledgement),
}

/// An outbound item with the block that made it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OutboundItem {
    /// Where to continue after this item.
    pub cursor: OutboundCursor,
    /// The block that it was made in.
    pub block: BlockRef,
    /// The item.
    pub item: Outbound,
}

/// A position in the list of outbound items: block number, then index of the
/// item in that block.
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
pub struct OutboundCursor {
    /// Block number.
    pub number: u64,
    /// Number of items of that block that lie before.
    pub index: u32,
}

/// What a messaging proof shows about the chain that makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub enum PacketFact {
    /// The commitment of a packet sent here.
    Commitment {
        /// Client of the counterpart here.
        client: ClientId,
        /// The packet's sequence.
        sequence: u64,
    },
    /// The acknowledgement of a packet received here.
    Acknowledgement {
        /// Client of the sender here.
        client: ClientId,
        /// The packet's sequence.
        sequence: u64,
    },
    /// That a packet was not received here.
    ReceiptAbsence {
        /// Client of the sender here.
        client: ClientId,
        /// The packet's sequence.
        sequence: u64,
    },
}

/// A proof together with the height that it is to be checked at.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PacketProof {
    /// The counterpart's revision number; 0 on a chain that has none.
    pub revision: u64,
    /// The counterpart's block number.
    pub height: u64,
    /// The proof.
    pub proof: Proof,
}

/// What a client update did (ICS-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ClientUpdate {
    /// A new consensus state is trusted.
    Updated,
    /// The update proves misbehaviour; the client is frozen.
    Misbehaviour,
    /// Nothing new.
    NoOp,
}

/// A light client as whoever relays sees it (ICS-02).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClientInfo {
    /// The client of this chain on the counterpart.
    pub counterparty: ClientId,
    /// Whether it accepts updates and proofs.
    pub status: ClientStatus,
    /// The counterpart's newest trusted block number; 0 before the first.
    pub latest_height: u64,
    /// That block's time in Unix seconds.
    pub latest_timestamp: u64,
    /// What a counterpart's block must have reached before it is trusted.
    pub confidence: Confidence,
    /// The longest time to a packet's deadline, in seconds.
    pub max_timeout: u64,
}

/// The state of a light client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ClientStatus {
    /// Accepts updates and proofs.
    Active,
    /// Its trusting period has passed.
    Expired,
    /// Misbehaviour was proved.
    Frozen,
}

/// How far a block of a rollup has come, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Confidence {
    /// The sequencer says so.
    Preconfirmed,
    /// Its batch is in a DA block.
    DaIncluded,
    /// That DA block is final.
    DaFinal,
    /// Settlement says so.
    Settled,
}

/// What receiving, acknowledging or timing out a packet did.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PacketOutcome {
    /// It took effect; for a receive, with the acknowledgement written.
    Done {
        /// Written acknowledgement, for a receive.
        acknowledgement: Option<Acknowledgement>,
    },
    /// It had taken effect before; nothing changed.
    NoOp,
}

/// keccak256 of a packet's borsh encoding, for maps and logs. Not the IBC
/// commitment, which the messaging module computes.
impl IbcPacket {
    /// Names the packet in local maps and logs.
    pub fn local_id(&self) -> B256 {
        let mut out = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        alloy_primitives::keccak256(out)
    }
}
