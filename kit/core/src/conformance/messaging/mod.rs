mod packets;

#[cfg(test)]
mod tests;

use super::{
    Report, Stop, ensure, ensure_kind, fail,
    report::{Verdict, suite},
};
use crate::{
    BlockRef, Bytes, ClientId, IbcPacket, Messaging, Outbound, OutboundCursor, OutboundItem,
    PacketFact, PacketOutcome, PacketProof,
};

/// One of the two ends that a harness links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Sends the suite's packets.
    Source,
    /// Receives them.
    Destination,
}

/// What the suite does to two linked messaging layers.
#[allow(async_fn_in_trait, reason = "the suite awaits in place")]
pub trait MessagingHarness {
    /// The implementation under test.
    type Messaging: Messaging;

    /// Opens one end; a further call is a restart of its process.
    async fn open(&self, side: Side) -> Self::Messaging;

    /// Has an application on the source send a packet whose deadline lies
    /// `seconds` after the destination's time.
    async fn send(&self, seconds: u64) -> IbcPacket;

    /// Returns the newest block of an end, after it has sealed one at least
    /// `seconds` later than before.
    async fn seal(&self, side: Side, seconds: u64) -> BlockRef;

    /// The client on the end that is *not* `of`, and an update that makes it
    /// trust this block of `of`.
    async fn update(&self, of: Side, block: &BlockRef) -> (ClientId, Bytes);
}

/// Runs the suite of [`Messaging`]; `new` makes a fresh pair.
pub async fn messaging<H: MessagingHarness, F: AsyncFn() -> H>(new: F) -> Report {
    let mut report = Report::new("messaging");
    suite!(report, new,
        packets: [
            a_sent_packet_is_outbound_in_order,
            a_packet_is_received_once,
            an_acknowledgement_settles_the_packet_once,
            a_packet_times_out_once,
            a_received_packet_never_times_out,
            a_late_packet_is_not_received,
            a_packet_does_not_time_out_early,
            a_changed_packet_is_rejected,
            a_flipped_byte_breaks_a_packet_proof,
            a_proof_above_the_trusted_height_waits,
            a_client_update_repeats_without_effect,
            a_restart_forgets_nothing,
            what_is_not_a_fact_is_not_proved,
        ],
    );
    report
}
