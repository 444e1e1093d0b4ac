use crate::{
    Acknowledgement, BlockRef, ClientId, ClientInfo, ClientUpdate, IbcPacket, LayerError,
    OutboundCursor, OutboundItem, PacketFact, PacketOutcome, PacketProof,
};
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use core::future::Future;

/// A layer that exchanges packets with other chains (ICS-04 v2).
///
/// Asynchronous and at most once: a packet is received once or timed out once.
/// Whoever relays is not trusted; what arrives is proved.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a messaging layer",
    note = "pass `NoMessaging` for a rollup that talks to nobody"
)]
pub trait Messaging: Clone + Send + Sync + 'static {
    /// What can go wrong.
    type Error: LayerError;

    /// Items that a relayer must carry, from `since` on, in order, at most
    /// `limit`. An empty list means that there is nothing new.
    fn outbound(
        &self,
        since: OutboundCursor,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<OutboundItem>, Self::Error>> + Send;

    /// Proves a fact about this chain's state after block `at`.
    fn prove(
        &self,
        fact: &PacketFact,
        at: &BlockRef,
    ) -> impl Future<Output = Result<PacketProof, Self::Error>> + Send;

    /// Brings news of the counterpart to its client here (ICS-02). The form
    /// of `update` is the client's.
    fn update_client(
        &self,
        client: &ClientId,
        update: &Bytes,
    ) -> impl Future<Output = Result<ClientUpdate, Self::Error>> + Send;

    /// Receives a packet, proved to be committed on its source. `NoOp` if it
    /// was received before. `Rejected` if it has timed out here.
    fn receive(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> impl Future<Output = Result<PacketOutcome, Self::Error>> + Send;

    /// Settles a packet that was sent here by its proved acknowledgement.
    fn acknowledge(
        &self,
        packet: &IbcPacket,
        acknowledgement: &Acknowledgement,
        proof: &PacketProof,
    ) -> impl Future<Output = Result<PacketOutcome, Self::Error>> + Send;

    /// Refunds a packet that was sent here and is proved not received by its
    /// deadline.
    fn time_out(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> impl Future<Output = Result<PacketOutcome, Self::Error>> + Send;

    /// A client here, as far as a relayer must know it; `None` if there is no
    /// such client.
    fn client(
        &self,
        client: &ClientId,
    ) -> impl Future<Output = Result<Option<ClientInfo>, Self::Error>> + Send {
        let _ = client;
        async { Ok(None) }
    }
}
