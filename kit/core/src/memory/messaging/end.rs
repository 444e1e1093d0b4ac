use super::{MemoryMessagingError as Error, Result};
use crate::{
    Acknowledgement, B256, BlockRef, Bytes, ClientId, ClientUpdate, IbcPacket, Outbound,
    OutboundCursor, OutboundItem, PacketOutcome, PacketProof, Payload, keccak256,
    memory::trie::trie,
};
use alloy_trie::{Nibbles, proof::verify_proof};
use borsh::BorshSerialize;
use std::collections::BTreeMap;

pub(super) const PROOF_VERSION: u16 = 1;

/// Longest time to a deadline, in seconds.
pub(super) const MAX_TIMEOUT: u64 = 86_400;

/// Which end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

impl Side {
    /// The client of the other end.
    pub(super) fn client(self) -> ClientId {
        ClientId(match self {
            Self::A => "client-a".into(),
            Self::B => "client-b".into(),
        })
    }
}

/// A place in an end's state, within its one client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path {
    Commitment(u64),
    Receipt(u64),
    Acknowledgement(u64),
}

impl Path {
    /// keccak256 of client, tag and sequence, as ICS-24 v2 lays them out.
    fn key(self, client: &ClientId) -> B256 {
        let (tag, sequence) = match self {
            Self::Commitment(sequence) => (1, sequence),
            Self::Receipt(sequence) => (2, sequence),
            Self::Acknowledgement(sequence) => (3, sequence),
        };
        let mut path = client.0.clone().into_bytes();
        path.push(tag);
        path.extend_from_slice(&sequence.to_be_bytes());
        keccak256(path)
    }
}

type Table = BTreeMap<B256, B256>;

#[derive(Debug)]
struct Block {
    block: BlockRef,
    timestamp: u64,
    root: B256,
    table: Table,
}

/// One end of a link.
#[derive(Debug)]
pub(super) struct End {
    pub(super) side: Side,
    blocks: Vec<Block>,
    table: Table,
    /// The other end's roots that the client trusts, with their times.
    trusted: BTreeMap<u64, (B256, u64)>,
    /// Items that no block holds yet.
    open: Vec<Outbound>,
    outbound: Vec<OutboundItem>,
    sent: u64,
}

fn digest(value: &impl BorshSerialize) -> B256 {
    let mut out = Vec::new();
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut out, value);
    keccak256(out)
}

fn leaves(table: &Table) -> Vec<(B256, Vec<u8>)> {
    let leaf = |(key, value): (&B256, &B256)| (*key, alloy_rlp::encode(value));
    table.iter().map(leaf).collect()
}

impl End {
    pub(super) fn new(side: Side) -> Self {
        let mut end = Self {
            side,
            blocks: Vec::new(),
            table: Table::new(),
            trusted: BTreeMap::new(),
            open: Vec::new(),
            outbound: Vec::new(),
            sent: 0,
        };
        end.seal(0);
        end
    }

    fn key(&self, path: Path) -> B256 {
        path.key(&self.side.client())
    }

    pub(super) fn now(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.timestamp)
    }

    pub(super) fn seal(&mut self, seconds: u64) -> BlockRef {
        let timestamp = match self.blocks.last() {
            Some(last) => last.timestamp.saturating_add(seconds.max(1)),
            None => 1_700_000_000,
        };
        let number = self.blocks.len() as u64;
        let (root, _) = trie(&leaves(&self.table), None);
        let parent = self.blocks.last().map(|last| last.block.hash);
        let client = self.side.client();
        let hash = digest(&(client, number, parent, timestamp, root));
        let block = BlockRef { number, hash };
        self.blocks.push(Block {
            block,
            timestamp,
            root,
            table: self.table.clone(),
        });
        for (item, index) in self.open.drain(..).zip(1..) {
            self.outbound.push(OutboundItem {
                cursor: OutboundCursor { number, index },
                block,
                item,
            });
        }
        block
    }

    pub(super) fn outbound(&self, since: OutboundCursor, limit: usize) -> Vec<OutboundItem> {
        let start = self.outbound.partition_point(|item| item.cursor <= since);
        self.outbound
            .iter()
            .skip(start)
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn newest_trusted(&self) -> (u64, u64) {
        self.trusted
            .last_key_value()
            .map_or((0, 0), |(height, (_, time))| (*height, *time))
    }

    pub(super) fn send(&mut self, payloads: Vec<Payload>, timeout: u64) -> Result<IbcPacket> {
        let bad = |reason| Err(Error::BadPacket { reason });
        if payloads.is_empty() {
            return bad("it has no payload");
        }
        if timeout <= self.now() {
            return bad("its deadline has passed");
        }
        if timeout - self.now() > MAX_TIMEOUT {
            return bad("its deadline is more than a day away");
        }
        self.sent += 1;
        let other = match self.side {
            Side::A => Side::B,
            Side::B => Side::A,
        };
        let packet = IbcPacket {
            sequence: self.sent,
            source_client: self.side.client(),
            destination_client: other.client(),
            timeout_timestamp: timeout,
            payloads,
        };
        let key = self.key(Path::Commitment(packet.sequence));
        self.table.insert(key, digest(&packet));
        self.open.push(Outbound::Sent(packet.clone()));
        Ok(packet)
    }

    pub(super) fn prove(&self, path: Path, at: &BlockRef, present: bool) -> Result<Vec<Bytes>> {
        let height = at.number;
        let found = usize::try_from(height)
            .ok()
            .and_then(|height| self.blocks.get(height))
            .ok_or(Error::NotSealed { height })?;
        if found.block != *at {
            return Err(Error::NotCanonical { height });
        }
        let key = self.key(path);
        if found.table.contains_key(&key) != present {
            return Err(Error::NotAFact { height });
        }
        Ok(trie(&leaves(&found.table), Some(&[key])).1)
    }

    pub(super) fn trust(&mut self, other: &Self, height: u64) -> Result<ClientUpdate> {
        if self.trusted.contains_key(&height) {
            return Ok(ClientUpdate::NoOp);
        }
        let block = usize::try_from(height)
            .ok()
            .and_then(|height| other.blocks.get(height))
            .ok_or(Error::NotSealed { height })?;
        self.trusted.insert(height, (block.root, block.timestamp));
        Ok(ClientUpdate::Updated)
    }

    /// Checks a proof about the other end's state; returns its time.
    fn check(&self, proof: &PacketProof, key: B256, value: Option<B256>) -> Result<u64> {
        let invalid = |reason| Error::InvalidProof { reason };
        if proof.revision != 0 || proof.proof.version != PROOF_VERSION {
            return Err(invalid("unknown revision or version"));
        }
        let height = proof.height;
        let (root, time) = self.trusted.get(&height).ok_or(Error::UnknownHeight {
            height,
            latest: self.newest_trusted().0,
        })?;
        let nodes: Vec<Bytes> =
            borsh::from_slice(&proof.proof.bytes).map_err(|_| invalid("it does not decode"))?;
        let value = value.map(alloy_rlp::encode);
        verify_proof(*root, Nibbles::unpack(key), value, &nodes)
            .map_err(|_| invalid("it leads to another root or value"))?;
        Ok(*time)
    }

    fn check_ends(&self, other: &Self, packet: &IbcPacket, from_here: bool) -> Result<()> {
        let (source, destination) = if from_here {
            (self.side.client(), other.side.client())
        } else {
            (other.side.client(), self.side.client())
        };
        if packet.source_client == source && packet.destination_client == destination {
            return Ok(());
        }
        Err(Error::WrongCounterparty {
            expected: other.side.client(),
        })
    }

    pub(super) fn receive(
        &mut self,
        other: &Self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome> {
        self.check_ends(other, packet, false)?;
        let (timeout, now) = (packet.timeout_timestamp, self.now());
        if now >= timeout {
            return Err(Error::TimedOut { timeout, now });
        }
        let committed = other.key(Path::Commitment(packet.sequence));
        self.check(proof, committed, Some(digest(packet)))?;
        let receipt = self.key(Path::Receipt(packet.sequence));
        if self.table.contains_key(&receipt) {
            return Ok(PacketOutcome::NoOp);
        }
        let acknowledgement = Acknowledgement {
            app_acknowledgements: vec![Bytes::from_static(&[1]); packet.payloads.len()],
        };
        self.table.insert(receipt, digest(packet));
        let key = self.key(Path::Acknowledgement(packet.sequence));
        self.table.insert(key, digest(&acknowledgement));
        self.open.push(Outbound::Acknowledged(
            packet.clone(),
            acknowledgement.clone(),
        ));
        Ok(PacketOutcome::Done {
            acknowledgement: Some(acknowledgement),
        })
    }

    pub(super) fn acknowledge(
        &mut self,
        other: &Self,
        packet: &IbcPacket,
        acknowledgement: &Acknowledgement,
        proof: &PacketProof,
    ) -> Result<PacketOutcome> {
        self.check_ends(other, packet, true)?;
        let key = other.key(Path::Acknowledgement(packet.sequence));
        self.check(proof, key, Some(digest(acknowledgement)))?;
        self.settle(packet)
    }

    pub(super) fn time_out(
        &mut self,
        other: &Self,
        packet: &IbcPacket,
        proof: &PacketProof,
    ) -> Result<PacketOutcome> {
        self.check_ends(other, packet, true)?;
        let receipt = other.key(Path::Receipt(packet.sequence));
        let proved = self.check(proof, receipt, None)?;
        let timeout = packet.timeout_timestamp;
        if proved < timeout {
            return Err(Error::NotTimedOut { timeout, proved });
        }
        self.settle(packet)
    }

    /// Deletes a commitment, once.
    fn settle(&mut self, packet: &IbcPacket) -> Result<PacketOutcome> {
        let sequence = packet.sequence;
        let key = self.key(Path::Commitment(sequence));
        match self.table.get(&key) {
            None => Ok(PacketOutcome::NoOp),
            Some(stored) if *stored != digest(packet) => {
                Err(Error::CommitmentMismatch { sequence })
            }
            Some(_) => {
                self.table.remove(&key);
                Ok(PacketOutcome::Done {
                    acknowledgement: None,
                })
            }
        }
    }
}
