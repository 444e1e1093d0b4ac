use super::{Faulty, FaultyError};
use crate::{
    Acknowledgement, BlockRef, Bytes, ClientId, ClientInfo, ClientUpdate, IbcPacket, Messaging,
    OutboundCursor, OutboundItem, PacketFact, PacketOutcome, PacketProof,
};

impl<L: Messaging> Messaging for Faulty<L> {
    type Error = FaultyError<L::Error>;

    async fn outbound(
        &self,
        since: OutboundCursor,
        limit: usize,
    ) -> Result<Vec<OutboundItem>, FaultyError<L::Error>> {
        self.disturb("outbound", self.layer.outbound(since, limit))
            .await
    }

    async fn prove(
        &self,
        fact: &PacketFact,
        at: &BlockRef,
    ) -> Result<PacketProof, FaultyError<L::Error>> {
        self.disturb("prove", self.layer.prove(fact, at)).await
    }

    async fn update_client(
        &self,
        client: &ClientId,
        update: &Bytes,
    ) -> Result<ClientUpdate, FaultyError<L::Error>> {
        self.disturb("update_client", self.layer.update_client(client, update))
            .await
    }

    async fn receive(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, FaultyError<L::Error>> {
        self.disturb("receive", self.layer.receive(packet, proof))
            .await
    }

    async fn acknowledge(
        &self,
        packet: &IbcPacket,
        acknowledgement: &Acknowledgement,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, FaultyError<L::Error>> {
        self.disturb(
            "acknowledge",
            self.layer.acknowledge(packet, acknowledgement, proof),
        )
        .await
    }

    async fn time_out(
        &self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome, FaultyError<L::Error>> {
        self.disturb("time_out", self.layer.time_out(packet, proof))
            .await
    }

    async fn client(&self, client: &ClientId) -> Result<Option<ClientInfo>, FaultyError<L::Error>> {
        self.disturb("client", self.layer.client(client)).await
    }
}
