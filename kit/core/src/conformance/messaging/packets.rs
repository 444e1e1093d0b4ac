use super::*;
use crate::{Acknowledgement, ClientUpdate, ErrorKind, Proof};

/// Makes the other end trust a new block of `of`, and returns the block.
async fn trust<H: MessagingHarness>(
    h: &H,
    of: Side,
    other: &H::Messaging,
    seconds: u64,
) -> Result<BlockRef, Stop> {
    let block = h.seal(of, seconds).await;
    let (client, update) = h.update(of, &block).await;
    other.update_client(&client, &update).await?;
    Ok(block)
}

fn commitment(packet: &IbcPacket) -> PacketFact {
    PacketFact::Commitment {
        client: packet.source_client.clone(),
        sequence: packet.sequence,
    }
}

fn absence(packet: &IbcPacket) -> PacketFact {
    PacketFact::ReceiptAbsence {
        client: packet.destination_client.clone(),
        sequence: packet.sequence,
    }
}

async fn ends<H: MessagingHarness>(h: &H) -> (H::Messaging, H::Messaging) {
    (h.open(Side::Source).await, h.open(Side::Destination).await)
}

/// Sends a packet, and proves that.
async fn sent<H: MessagingHarness>(
    h: &H,
    a: &H::Messaging,
    b: &H::Messaging,
    seconds: u64,
) -> Result<(IbcPacket, PacketProof), Stop> {
    let packet = h.send(seconds).await;
    let block = trust(h, Side::Source, b, 1).await?;
    let proof = a.prove(&commitment(&packet), &block).await?;
    Ok((packet, proof))
}

async fn receive<M: Messaging>(
    b: &M,
    packet: &IbcPacket,
    proof: &PacketProof,
) -> Result<Acknowledgement, Stop> {
    match b.receive(packet, proof).await? {
        PacketOutcome::Done {
            acknowledgement: Some(acknowledgement),
        } => {
            let acknowledged = &acknowledgement.app_acknowledgements;
            ensure(
                !acknowledged.is_empty() && acknowledged.iter().all(|one| !one.is_empty()),
                "an acknowledgement is empty",
            )?;
            Ok(acknowledgement)
        }
        other => fail(format!("receiving gave {other:?}")),
    }
}

const DONE: PacketOutcome = PacketOutcome::Done {
    acknowledgement: None,
};

pub(super) async fn a_sent_packet_is_outbound_in_order<H: MessagingHarness>(h: &H) -> Verdict {
    let a = h.open(Side::Source).await;
    let start = a.outbound(OutboundCursor::default(), 100).await?;
    let since = start.last().map(|item| item.cursor).unwrap_or_default();
    let first = h.send(600).await;
    let second = h.send(600).await;
    h.seal(Side::Source, 1).await;
    let third = h.send(600).await;
    h.seal(Side::Source, 1).await;
    let wanted = [first, second, third].map(Outbound::Sent);
    let all = a.outbound(since, 100).await?;
    let items = |list: &[OutboundItem]| -> Vec<Outbound> {
        list.iter().map(|item| item.item.clone()).collect()
    };
    ensure(items(&all) == wanted, "other items are outbound")?;
    let mut one_by_one = Vec::new();
    let mut cursor = since;
    loop {
        let next = a.outbound(cursor, 1).await?;
        let Some(item) = next.first() else { break };
        ensure(item.cursor > cursor, "the cursor does not rise")?;
        ensure(
            item.cursor.number == item.block.number,
            "cursor and block differ",
        )?;
        cursor = item.cursor;
        one_by_one.extend(next);
    }
    ensure(one_by_one == all, "one by one gives another list")?;
    ensure(
        a.outbound(since, 0).await?.is_empty(),
        "a limit of 0 gives items",
    )
}

pub(super) async fn a_packet_is_received_once<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, proof) = sent(h, &a, &b, 600).await?;
    let acknowledgement = receive(&b, &packet, &proof).await?;
    ensure(
        b.receive(&packet, &proof).await? == PacketOutcome::NoOp,
        "a second receive took effect",
    )?;
    h.seal(Side::Destination, 1).await;
    let outbound = b.outbound(OutboundCursor::default(), 100).await?;
    let wanted = Outbound::Acknowledged(packet, acknowledgement);
    let count = outbound.iter().filter(|item| item.item == wanted).count();
    ensure(
        count == 1,
        format!("the acknowledgement is outbound {count} times"),
    )
}

/// Receives a packet and proves its acknowledgement to the source.
async fn acknowledged<H: MessagingHarness>(
    h: &H,
    a: &H::Messaging,
    b: &H::Messaging,
) -> Result<(IbcPacket, Acknowledgement, PacketProof), Stop> {
    let (packet, proof) = sent(h, a, b, 600).await?;
    let acknowledgement = receive(b, &packet, &proof).await?;
    let block = trust(h, Side::Destination, a, 1).await?;
    let fact = PacketFact::Acknowledgement {
        client: packet.destination_client.clone(),
        sequence: packet.sequence,
    };
    let proof = b.prove(&fact, &block).await?;
    Ok((packet, acknowledgement, proof))
}

pub(super) async fn an_acknowledgement_settles_the_packet_once<H: MessagingHarness>(
    h: &H,
) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, acknowledgement, proof) = acknowledged(h, &a, &b).await?;
    let forged = Acknowledgement {
        app_acknowledgements: vec![Bytes::from_static(b"forged")],
    };
    ensure_kind(
        a.acknowledge(&packet, &forged, &proof).await,
        ErrorKind::Rejected,
        "a forged acknowledgement",
    )?;
    let first = a.acknowledge(&packet, &acknowledgement, &proof).await?;
    ensure(first == DONE, "the acknowledgement took no effect")?;
    let again = a.acknowledge(&packet, &acknowledgement, &proof).await?;
    ensure(again == PacketOutcome::NoOp, "it took effect twice")
}

pub(super) async fn a_packet_times_out_once<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let packet = h.send(60).await;
    h.seal(Side::Source, 1).await;
    let block = trust(h, Side::Destination, &a, 120).await?;
    let proof = b.prove(&absence(&packet), &block).await?;
    ensure(
        a.time_out(&packet, &proof).await? == DONE,
        "the time-out took no effect",
    )?;
    ensure(
        a.time_out(&packet, &proof).await? == PacketOutcome::NoOp,
        "it took effect twice",
    )
}

pub(super) async fn a_received_packet_never_times_out<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, proof) = sent(h, &a, &b, 60).await?;
    // A proof from before the packet was received, and below its deadline.
    let before = trust(h, Side::Destination, &a, 1).await?;
    let early = b.prove(&absence(&packet), &before).await?;
    receive(&b, &packet, &proof).await?;
    let after = trust(h, Side::Destination, &a, 120).await?;
    ensure_kind(
        b.prove(&absence(&packet), &after).await,
        ErrorKind::Rejected,
        "proving the absence of a receipt that is there",
    )?;
    let moved = PacketProof {
        height: after.number,
        ..early.clone()
    };
    for proof in [early, moved] {
        ensure_kind(
            a.time_out(&packet, &proof).await,
            ErrorKind::Rejected,
            "time_out",
        )?;
    }
    Ok(())
}

pub(super) async fn a_late_packet_is_not_received<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, proof) = sent(h, &a, &b, 60).await?;
    h.seal(Side::Destination, 120).await;
    ensure_kind(
        b.receive(&packet, &proof).await,
        ErrorKind::Rejected,
        "receive",
    )
}

pub(super) async fn a_packet_does_not_time_out_early<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let packet = h.send(600).await;
    h.seal(Side::Source, 1).await;
    let block = trust(h, Side::Destination, &a, 1).await?;
    let proof = b.prove(&absence(&packet), &block).await?;
    ensure_kind(
        a.time_out(&packet, &proof).await,
        ErrorKind::Rejected,
        "time_out",
    )
}

pub(super) async fn a_changed_packet_is_rejected<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, proof) = sent(h, &a, &b, 600).await?;
    let change = |change: &dyn Fn(&mut IbcPacket)| {
        let mut changed = packet.clone();
        change(&mut changed);
        changed
    };
    for (what, changed) in [
        ("sequence", change(&|packet| packet.sequence += 1)),
        ("deadline", change(&|packet| packet.timeout_timestamp += 1)),
        ("payloads", change(&|packet| packet.payloads.clear())),
        (
            "source",
            change(&|packet| packet.source_client = ClientId("client-x".into())),
        ),
        (
            "destination",
            change(&|packet| packet.destination_client = ClientId("client-x".into())),
        ),
    ] {
        ensure_kind(
            b.receive(&changed, &proof).await,
            ErrorKind::Rejected,
            &format!("another {what}"),
        )?;
    }
    receive(&b, &packet, &proof).await?;
    Ok(())
}

pub(super) async fn a_flipped_byte_breaks_a_packet_proof<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    h.send(600).await;
    let (packet, proof) = sent(h, &a, &b, 600).await?;
    for at in 0..proof.proof.bytes.len() {
        let mut bytes = proof.proof.bytes.to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        let flipped = PacketProof {
            proof: Proof {
                version: proof.proof.version,
                bytes: bytes.into(),
            },
            ..proof.clone()
        };
        ensure_kind(
            b.receive(&packet, &flipped).await,
            ErrorKind::Rejected,
            &format!("byte {at} flipped"),
        )?;
    }
    receive(&b, &packet, &proof).await?;
    Ok(())
}

pub(super) async fn a_proof_above_the_trusted_height_waits<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let packet = h.send(600).await;
    let block = h.seal(Side::Source, 1).await;
    let proof = a.prove(&commitment(&packet), &block).await?;
    ensure_kind(
        b.receive(&packet, &proof).await,
        ErrorKind::NotYet,
        "receive",
    )?;
    let (client, update) = h.update(Side::Source, &block).await;
    b.update_client(&client, &update).await?;
    receive(&b, &packet, &proof).await?;
    Ok(())
}

pub(super) async fn a_client_update_repeats_without_effect<H: MessagingHarness>(h: &H) -> Verdict {
    let b = h.open(Side::Destination).await;
    let block = h.seal(Side::Source, 1).await;
    let (client, update) = h.update(Side::Source, &block).await;
    ensure(
        b.update_client(&client, &update).await? == ClientUpdate::Updated,
        "the update took no effect",
    )?;
    ensure(
        b.update_client(&client, &update).await? == ClientUpdate::NoOp,
        "the update took effect twice",
    )?;
    ensure_kind(
        b.update_client(&ClientId("client-x".into()), &update).await,
        ErrorKind::Rejected,
        "an update of no client",
    )?;
    if let Some(info) = b.client(&client).await? {
        ensure(
            info.latest_height >= block.number,
            "the client's height is lower than its update",
        )?;
    }
    Ok(())
}

pub(super) async fn a_restart_forgets_nothing<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, proof) = sent(h, &a, &b, 600).await?;
    receive(&b, &packet, &proof).await?;
    drop((a, b));
    let (a, b) = ends(h).await;
    ensure(
        b.receive(&packet, &proof).await? == PacketOutcome::NoOp,
        "the receipt is lost",
    )?;
    let outbound = a.outbound(OutboundCursor::default(), 100).await?;
    ensure(
        outbound
            .iter()
            .any(|item| item.item == Outbound::Sent(packet.clone())),
        "the packet is not outbound any more",
    )
}

pub(super) async fn what_is_not_a_fact_is_not_proved<H: MessagingHarness>(h: &H) -> Verdict {
    let (a, b) = ends(h).await;
    let (packet, _) = sent(h, &a, &b, 600).await?;
    let block = h.seal(Side::Source, 1).await;
    let never = PacketFact::Commitment {
        client: packet.source_client.clone(),
        sequence: packet.sequence + 1_000,
    };
    ensure_kind(a.prove(&never, &block).await, ErrorKind::Rejected, "prove")
}
