use super::*;
use crate::{codec, fees::GWEI, kzg};
use alloy_consensus::{
    EthereumTxEnvelope, Transaction as _, TxEip4844WithSidecar, transaction::SignerRecoverable as _,
};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{address, b256};

/// The first public test account.
fn signer() -> Signer {
    Signer::new(b256!(
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    ))
    .unwrap()
}

fn draft(cargo: Cargo) -> Draft {
    Draft {
        chain_id: 31_337,
        nonce: 3,
        to: Address::repeat_byte(9),
        gas_limit: 30_000,
        caps: Caps {
            gas: 10 * GWEI,
            tip: GWEI,
            blob: 2 * GWEI,
        },
        cargo,
    }
}

#[test]
fn the_signer_is_its_account() {
    assert_eq!(
        signer().address(),
        address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
    );
    assert!(Signer::new(B256::ZERO).is_err());
    assert!(!format!("{:?}", signer()).contains("ac09"));
}

#[test]
fn a_blob_transaction_travels_with_its_sidecar_and_keeps_its_hash() {
    // alloy's decoder moves whole blobs over the stack when it is not optimised.
    let roomy = std::thread::Builder::new().stack_size(64 << 20);
    roomy.spawn(travels).unwrap().join().unwrap();
}

fn travels() {
    let blob = kzg::blob(&codec::encode(b"payload").unwrap()).unwrap();
    for form in [kzg::SidecarForm::Eip7594, kzg::SidecarForm::Eip4844] {
        let sidecar = kzg::sidecar(form, vec![*blob]).unwrap();
        let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
        let signed = draft(Cargo::Blobs(hashes.clone())).sign(&signer()).unwrap();
        let sent = network_form(&signed, Some(sidecar));
        let read = EthereumTxEnvelope::<TxEip4844WithSidecar<BlobTransactionSidecarVariant>>::decode_2718_exact(&sent).unwrap();
        assert_eq!(read.hash(), signed.hash());
        assert_eq!(read.recover_signer().unwrap(), signer().address());
        assert_eq!(read.blob_versioned_hashes(), Some(&hashes[..]));
        // Type, list, wrapper version: only the new form names one.
        let stored = signed.encoded_2718();
        assert!(stored.len() < 300 && sent.len() > codec::BLOB_BYTES);
        assert_eq!(Transaction::decode_2718_exact(&stored).unwrap(), signed);
    }
}

#[test]
fn calldata_begins_with_its_kind() {
    let signed = draft(Cargo::Calldata(Bytes::from_static(b"part")))
        .sign(&signer())
        .unwrap();
    assert_eq!(signed.input().as_ref(), b"\x01part");
    assert_eq!(signed.recover_signer().unwrap(), signer().address());
    let sent = network_form(&signed, None);
    assert_eq!(Transaction::decode_2718_exact(&sent).unwrap(), signed);
}
