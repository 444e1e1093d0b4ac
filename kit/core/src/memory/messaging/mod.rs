mod end;
mod error;
mod none;

#[cfg(test)]
mod tests;

pub use error::MemoryMessagingError;
pub use none::{NoMessaging, NoMessagingError};

use super::lock;
use crate::{
    Acknowledgement, BlockRef, Bytes, ClientId, ClientInfo, ClientStatus, ClientUpdate, Confidence,
    IbcPacket, Messaging, OutboundCursor, OutboundItem, PacketFact, PacketOutcome, PacketProof,
    Payload, Proof,
};
use end::{End, MAX_TIMEOUT, Path, Side};
use std::sync::{Arc, Mutex};

type Result<T, E = MemoryMessagingError> = std::result::Result<T, E>;

/// One of two linked messaging layers in memory.
///
/// Each end has blocks of its own, made by [`seal`](Self::seal), whose root
/// commits to its packets, receipts and acknowledgements in a Merkle-Patricia
/// trie; the other end's client trusts the roots of this link and checks
/// proofs against them. The application answers every payload with one byte 1.
/// The order of checks is that of ICS-04 v2; hashes are this layer's own.
///
/// Clones share the link, which lives as long as any of them.
#[derive(Clone, Debug)]
pub struct MemoryMessaging {
    link: Arc<Mutex<[End; 2]>>,
    side: Side,
}

impl MemoryMessaging {
    /// Two linked ends, each with one block at time 1,700,000,000.
    pub fn pair() -> (Self, Self) {
        let link = Arc::new(Mutex::new([End::new(Side::A), End::new(Side::B)]));
        let end = |side| Self {
            link: Arc::clone(&link),
            side,
        };
        (end(Side::A), end(Side::B))
    }

    fn with<T>(&self, act: impl FnOnce(&mut End, &End) -> T) -> T {
        let mut link = lock(&self.link);
        let [a, b] = &mut *link;
        match self.side {
            Side::A => act(a, b),
            Side::B => act(b, a),
        }
    }

    /// The client of the other end here.
    pub fn client_id(&self) -> ClientId {
        self.side.client()
    }

    /// This end's time in Unix seconds.
    pub fn now(&self) -> u64 {
        self.with(|end, _| end.now())
    }

    /// Sends a packet to the other end; it is committed in the next block.
    pub fn send(&self, payloads: Vec<Payload>, timeout_timestamp: u64) -> Result<IbcPacket> {
        self.with(|end, _| end.send(payloads, timeout_timestamp))
    }

    /// Seals a block `seconds` after the one before, at least one.
    pub fn seal(&self, seconds: u64) -> BlockRef {
        self.with(|end, _| end.seal(seconds))
    }

    /// What [`update_client`](Messaging::update_client) of the *other* end
    /// takes to trust this end's block.
    pub fn update_for(&self, block: &BlockRef) -> Bytes {
        block.number.to_be_bytes().to_vec().into()
    }

    fn check_client(&self, client: &ClientId) -> Result<()> {
        if *client == self.client_id() {
            return Ok(());
        }
        Err(MemoryMessagingError::NoSuchClient {
            client: client.clone(),
        })
    }
}

impl Messaging for MemoryMessaging {
    type Error = MemoryMessagingError;

    async fn outbound(&self, since: OutboundCursor, limit: usize) -> Result<Vec<OutboundItem>> {
        Ok(self.with(|end, _| end.outbound(since, limit)))
    }

    async fn prove(&self, fact: &PacketFact, at: &BlockRef) -> Result<PacketProof> {
        let (client, path) = match fact {
            PacketFact::Commitment { client, sequence } => (client, Path::Commitment(*sequence)),
            PacketFact::Acknowledgement { client, sequence } => {
                (client, Path::Acknowledgement(*sequence))
            }
            PacketFact::ReceiptAbsence { client, sequence } => (client, Path::Receipt(*sequence)),
        };
        self.check_client(client)?;
        let present = !matches!(fact, PacketFact::ReceiptAbsence { .. });
        let nodes = self.with(|end, _| end.prove(path, at, present))?;
        let mut bytes = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut bytes, &nodes);
        Ok(PacketProof {
            revision: 0,
            height: at.number,
            proof: Proof {
                version: end::PROOF_VERSION,
                bytes: bytes.into(),
            },
        })
    }

    async fn update_client(&self, client: &ClientId, update: &Bytes) -> Result<ClientUpdate> {
        self.check_client(client)?;
        let Ok(height) = <[u8; 8]>::try_from(&update[..]) else {
            return Err(MemoryMessagingError::BadUpdate);
        };
        self.with(|end, other| end.trust(other, u64::from_be_bytes(height)))
    }

    async fn receive(&self, packet: &IbcPacket, proof: &PacketProof) -> Result<PacketOutcome> {
        self.check_client(&packet.destination_client)?;
        self.with(|end, other| end.receive(other, packet, proof))
    }

    async fn acknowledge(
        &self,
        packet: &IbcPacket,
        acknowledgement: &Acknowledgement,
        proof: &PacketProof,
    ) -> Result<PacketOutcome> {
        self.check_client(&packet.source_client)?;
        self.with(|end, other| end.acknowledge(other, packet, acknowledgement, proof))
    }

    async fn time_out(&self, packet: &IbcPacket, proof: &PacketProof) -> Result<PacketOutcome> {
        self.check_client(&packet.source_client)?;
        self.with(|end, other| end.time_out(other, packet, proof))
    }

    async fn client(&self, client: &ClientId) -> Result<Option<ClientInfo>> {
        if *client != self.client_id() {
            return Ok(None);
        }
        Ok(Some(self.with(|end, other| {
            let (latest_height, latest_timestamp) = end.newest_trusted();
            ClientInfo {
                counterparty: other.side.client(),
                status: ClientStatus::Active,
                latest_height,
                latest_timestamp,
                confidence: Confidence::DaFinal,
                max_timeout: MAX_TIMEOUT,
            }
        })))
    }
}
