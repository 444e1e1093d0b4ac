use super::Retrying;
use crate::{
    Acknowledgement, BlockRef, Bytes, ClientId, ClientInfo, ClientUpdate, IbcPacket, Messaging,
    OutboundCursor, OutboundItem, PacketFact, PacketOutcome, PacketProof,
};

impl<L: Messaging> Messaging for Retrying<L> {
    type Error = L::Error;

    async fn outbound(
        &self,
        since: OutboundCursor,
        limit: usize,
    ) -> Result<Vec<OutboundItem>, L::Error> {
        self.retry(|| self.layer.outbound(since, limit)).await
    }

    async fn prove(&self, fact: &PacketFact, at: &BlockRef) -> Result<PacketProof, L::Error> {
        self.retry(|| self.layer.prove(fact, at)).await
    }

    async fn update_client(
        &self,
        client: &ClientId,
        update: &Bytes,
    ) -> Result<ClientUpdate, L::Error> {
        self.retry(|| self.layer.update_client(client, update))
            .await
    }

    async fn receive(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, L::Error> {
        self.retry(|| self.layer.receive(packet, proof)).await
    }

    async fn acknowledge(
        &self,
        packet: &IbcPacket,
        acknowledgement: &Acknowledgement,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, L::Error> {
        self.retry(|| self.layer.acknowledge(packet, acknowledgement, proof))
            .await
    }

    async fn time_out(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, L::Error> {
        self.retry(|| self.layer.time_out(packet, proof)).await
    }

    async fn client(&self, client: &ClientId) -> Result<Option<ClientInfo>, L::Error> {
        self.retry(|| self.layer.client(client)).await
    }
}
