//! Arbitrary values of settlement and messaging.

use crate::values::*;
use proptest::prelude::*;
use rollwright_core::*;

pub(crate) fn commitment() -> impl Strategy<Value = Commitment> + Clone {
    (
        (any::<u8>(), hash(), hash(), block_ref(), any::<u64>()),
        (hash(), hash(), word(), hash(), da_block_id(), hash()),
    )
        .prop_map(|(head, tail)| Commitment {
            version: head.0,
            vm_id: VmId(head.1),
            config_hash: head.2,
            number: head.3.number,
            timestamp: head.4,
            block_hash: head.3.hash,
            state_root: tail.0,
            outbox_root: tail.1,
            burned_fees: tail.2,
            da_layer: tail.3,
            da_block: tail.4,
            deriver_state: tail.5,
        })
}

pub(crate) fn claim() -> impl Strategy<Value = Claim> + Clone {
    (
        hash(),
        da_block_id(),
        prop::collection::vec(hash(), 1..4),
        commitment(),
    )
        .prop_map(|(pre, da_target, steps, last)| Claim {
            pre,
            da_target,
            steps,
            last,
        })
}

pub(crate) fn packet() -> impl Strategy<Value = IbcPacket> + Clone {
    let payload = ("[a-z]{1,8}", "[a-z]{1,8}", bytes()).prop_map(|(from, to, value)| Payload {
        source_port: from,
        destination_port: to,
        version: "1".into(),
        encoding: "raw".into(),
        value,
    });
    (
        any::<u64>(),
        any::<u64>(),
        prop::collection::vec(payload, 1..3),
    )
        .prop_map(|(sequence, timeout_timestamp, payloads)| IbcPacket {
            sequence,
            source_client: ClientId("client-0".into()),
            destination_client: ClientId("client-1".into()),
            timeout_timestamp,
            payloads,
        })
}

pub(crate) fn state_proof() -> impl Strategy<Value = StateProof> + Clone {
    let slot =
        (hash(), word(), list()).prop_map(|(key, value, proof)| SlotProof { key, value, proof });
    let account = (any::<u64>(), word(), hash()).prop_map(|(nonce, balance, code_hash)| Account {
        nonce,
        balance,
        code_hash,
    });
    let account = (
        address(),
        prop::option::of(account),
        hash(),
        list(),
        prop::collection::vec(slot, 0..2),
    )
        .prop_map(
            |(address, account, storage_root, proof, slots)| AccountProof {
                address,
                account,
                storage_root,
                proof,
                slots,
            },
        );
    (hash(), prop::collection::vec(account, 0..2)).prop_map(|(state_root, accounts)| StateProof {
        state_root,
        accounts,
    })
}

pub(crate) fn witness() -> impl Strategy<Value = ExecutionWitness> + Clone {
    (list(), list(), list(), list()).prop_map(|(state, codes, headers, keys)| ExecutionWitness {
        state,
        codes,
        headers,
        keys,
    })
}

fn given() -> impl Strategy<Value = Given> + Clone {
    (
        prop::collection::vec(da_block_id(), 0..3),
        anchor().prop_map(|anchor| anchor.counterparts),
    )
        .prop_map(|(da_blocks, counterparts)| Given {
            da_blocks,
            counterparts,
        })
}

pub(crate) fn evidence() -> impl Strategy<Value = Evidence> + Clone {
    let execute =
        (any::<u32>(), commitment(), given(), witness()).prop_map(|(step, pre, given, witness)| {
            Evidence::Execute {
                step,
                pre,
                given,
                witness,
            }
        });
    prop_oneof![
        list().prop_map(Evidence::Attestation),
        execute,
        bytes().prop_map(Evidence::Interactive),
        bytes().prop_map(Evidence::Zk),
    ]
}

pub(crate) fn dispute_move() -> impl Strategy<Value = Move> + Clone {
    let game = || hash().prop_map(GameId);
    prop_oneof![
        any::<u32>().prop_map(|step| Move::Challenge { step }),
        (game(), prop::collection::vec(hash(), 0..4))
            .prop_map(|(game, hashes)| Move::Bisect { game, hashes }),
        (game(), any::<u32>()).prop_map(|(game, segment)| Move::Select { game, segment }),
        (prop::option::of(game()), evidence())
            .prop_map(|(game, proof)| Move::Prove { game, proof }),
        game().prop_map(|game| Move::Timeout { game }),
    ]
}

pub(crate) fn acknowledgement() -> impl Strategy<Value = Acknowledgement> + Clone {
    list().prop_map(|app_acknowledgements| Acknowledgement {
        app_acknowledgements,
    })
}

pub(crate) fn outbound_item() -> impl Strategy<Value = OutboundItem> + Clone {
    let item = prop_oneof![
        packet().prop_map(Outbound::Sent),
        (packet(), acknowledgement())
            .prop_map(|(packet, acknowledgement)| Outbound::Acknowledged(packet, acknowledgement)),
    ];
    (block_ref(), any::<u32>(), item).prop_map(|(block, index, item)| OutboundItem {
        cursor: OutboundCursor {
            number: block.number,
            index,
        },
        block,
        item,
    })
}

pub(crate) fn packet_fact() -> impl Strategy<Value = PacketFact> + Clone {
    let client = || "[a-z0-9-]{1,12}".prop_map(ClientId);
    prop_oneof![
        (client(), any::<u64>())
            .prop_map(|(client, sequence)| PacketFact::Commitment { client, sequence }),
        (client(), any::<u64>())
            .prop_map(|(client, sequence)| PacketFact::Acknowledgement { client, sequence }),
        (client(), any::<u64>())
            .prop_map(|(client, sequence)| PacketFact::ReceiptAbsence { client, sequence }),
    ]
}

pub(crate) fn packet_proof() -> impl Strategy<Value = PacketProof> + Clone {
    (any::<u64>(), any::<u64>(), proof()).prop_map(|(revision, height, proof)| PacketProof {
        revision,
        height,
        proof,
    })
}
