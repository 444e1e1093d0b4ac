use super::{BoxError, Boxed, boxed};
use crate::{
    Acknowledgement, BlockRef, Bytes, ClientId, ClientInfo, ClientUpdate, IbcPacket, Messaging,
    OutboundCursor, OutboundItem, PacketFact, PacketOutcome, PacketProof,
};
use std::{fmt, sync::Arc};

/// A messaging layer behind a pointer; its errors become [`BoxError`].
#[derive(Clone)]
pub struct BoxMessaging(Arc<dyn DynMessaging>);

impl BoxMessaging {
    /// Boxes a layer.
    pub fn new(layer: impl Messaging) -> Self {
        Self(Arc::new(layer))
    }
}

impl fmt::Debug for BoxMessaging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxMessaging").finish_non_exhaustive()
    }
}

trait DynMessaging: Send + Sync {
    fn outbound<'a>(&'a self, since: OutboundCursor, limit: usize) -> Boxed<'a, Vec<OutboundItem>>;
    fn prove<'a>(&'a self, fact: &'a PacketFact, at: &'a BlockRef) -> Boxed<'a, PacketProof>;
    fn update_client<'a>(
        &'a self,
        client: &'a ClientId,
        update: &'a Bytes,
    ) -> Boxed<'a, ClientUpdate>;
    fn receive<'a>(
        &'a self,
        packet: &'a IbcPacket,
        proof: &'a PacketProof,
    ) -> Boxed<'a, PacketOutcome>;
    fn acknowledge<'a>(
        &'a self,
        packet: &'a IbcPacket,
        acknowledgement: &'a Acknowledgement,
        proof: &'a PacketProof,
    ) -> Boxed<'a, PacketOutcome>;
    fn time_out<'a>(
        &'a self,
        packet: &'a IbcPacket,
        proof: &'a PacketProof,
    ) -> Boxed<'a, PacketOutcome>;
    fn client<'a>(&'a self, client: &'a ClientId) -> Boxed<'a, Option<ClientInfo>>;
}

impl<L: Messaging> DynMessaging for L {
    fn outbound<'a>(&'a self, since: OutboundCursor, limit: usize) -> Boxed<'a, Vec<OutboundItem>> {
        boxed(Messaging::outbound(self, since, limit))
    }

    fn prove<'a>(&'a self, fact: &'a PacketFact, at: &'a BlockRef) -> Boxed<'a, PacketProof> {
        boxed(Messaging::prove(self, fact, at))
    }

    fn update_client<'a>(
        &'a self,
        client: &'a ClientId,
        update: &'a Bytes,
    ) -> Boxed<'a, ClientUpdate> {
        boxed(Messaging::update_client(self, client, update))
    }

    fn receive<'a>(
        &'a self,
        packet: &'a IbcPacket,
        proof: &'a PacketProof,
    ) -> Boxed<'a, PacketOutcome> {
        boxed(Messaging::receive(self, packet, proof))
    }

    fn acknowledge<'a>(
        &'a self,
        packet: &'a IbcPacket,
        acknowledgement: &'a Acknowledgement,
        proof: &'a PacketProof,
    ) -> Boxed<'a, PacketOutcome> {
        boxed(Messaging::acknowledge(self, packet, acknowledgement, proof))
    }

    fn time_out<'a>(
        &'a self,
        packet: &'a IbcPacket,
        proof: &'a PacketProof,
    ) -> Boxed<'a, PacketOutcome> {
        boxed(Messaging::time_out(self, packet, proof))
    }

    fn client<'a>(&'a self, client: &'a ClientId) -> Boxed<'a, Option<ClientInfo>> {
        boxed(Messaging::client(self, client))
    }
}

impl Messaging for BoxMessaging {
    type Error = BoxError;

    async fn outbound(
        &self,
        since: OutboundCursor,
        limit: usize,
    ) -> Result<Vec<OutboundItem>, BoxError> {
        self.0.outbound(since, limit).await
    }

    async fn prove(&self, fact: &PacketFact, at: &BlockRef) -> Result<PacketProof, BoxError> {
        self.0.prove(fact, at).await
    }

    async fn update_client(
        &self,
        client: &ClientId,
        update: &Bytes,
    ) -> Result<ClientUpdate, BoxError> {
        self.0.update_client(client, update).await
    }

    async fn receive(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, BoxError> {
        self.0.receive(packet, proof).await
    }

    async fn acknowledge(
        &self,
        packet: &IbcPacket,
        acknowledgement: &Acknowledgement,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, BoxError> {
        self.0.acknowledge(packet, acknowledgement, proof).await
    }

    async fn time_out(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, BoxError> {
        self.0.time_out(packet, proof).await
    }

    async fn client(&self, client: &ClientId) -> Result<Option<ClientInfo>, BoxError> {
        self.0.client(client).await
    }
}
