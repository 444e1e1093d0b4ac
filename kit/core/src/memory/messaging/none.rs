use crate::{
    Acknowledgement, BlockRef, Bytes, ClientId, ClientUpdate, ErrorKind, IbcPacket, LayerError,
    Messaging, OutboundCursor, OutboundItem, PacketFact, PacketOutcome, PacketProof,
};

/// The messaging layer of a rollup that talks to nobody: there is never
/// anything to carry, and everything else is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoMessaging;

/// The rollup has no messaging layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this rollup exchanges no packets; name a messaging layer in its bundle")]
pub struct NoMessagingError;

impl LayerError for NoMessagingError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Rejected
    }

    fn code(&self) -> &'static str {
        "RW-IBC-101"
    }
}

impl Messaging for NoMessaging {
    type Error = NoMessagingError;

    async fn outbound(
        &self,
        _since: OutboundCursor,
        _limit: usize,
    ) -> Result<Vec<OutboundItem>, NoMessagingError> {
        Ok(Vec::new())
    }

    async fn prove(
        &self,
        _fact: &PacketFact,
        _at: &BlockRef,
    ) -> Result<PacketProof, NoMessagingError> {
        Err(NoMessagingError)
    }

    async fn update_client(
        &self,
        _client: &ClientId,
        _update: &Bytes,
    ) -> Result<ClientUpdate, NoMessagingError> {
        Err(NoMessagingError)
    }

    async fn receive(
        &self,
        _packet: &IbcPacket,
        _proof: &PacketProof,
    ) -> Result<PacketOutcome, NoMessagingError> {
        Err(NoMessagingError)
    }

    async fn acknowledge(
        &self,
        _packet: &IbcPacket,
        _acknowledgement: &Acknowledgement,
        _proof: &PacketProof,
    ) -> Result<PacketOutcome, NoMessagingError> {
        Err(NoMessagingError)
    }

    async fn time_out(
        &self,
        _packet: &IbcPacket,
        _proof: &PacketProof,
    ) -> Result<PacketOutcome, NoMessagingError> {
        Err(NoMessagingError)
    }
}
