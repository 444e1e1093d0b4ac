use super::*;
use celestia_proto::{
    celestia::blob::v1::MsgPayForBlobs as RawMsgPayForBlobs,
    cosmos::{
        crypto::secp256k1::PubKey,
        tx::v1beta1::{AuthInfo, SignDoc, TxBody, TxRaw},
    },
};
use celestia_types::nmt::Namespace;
use k256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use prost::Message;

#[test]
fn a_transaction_is_signed_over_what_it_says() {
    let account = Account::new(7, 2).unwrap();
    let blob = Blob::new(Namespace::new_v0(b"gizmo").unwrap(), vec![1; 1_000], None).unwrap();
    let signed = account
        .pay("private", 9, GasPrice::NODE_DEFAULT, vec![blob.clone()])
        .unwrap();
    assert_eq!(
        signed.fee,
        u64::try_from(GasPrice::NODE_DEFAULT.fee(gas::gas(3, 1))).unwrap()
    );

    let tx = TxRaw::decode(signed.unit.tx.as_slice()).unwrap();
    let document = SignDoc {
        body_bytes: tx.body_bytes.clone(),
        auth_info_bytes: tx.auth_info_bytes.clone(),
        chain_id: "private".to_owned(),
        account_number: 2,
    };
    let auth = AuthInfo::decode(tx.auth_info_bytes.as_slice()).unwrap();
    let key = auth.signer_infos[0].public_key.as_ref().unwrap();
    let key = PubKey::decode(key.value.as_slice()).unwrap();
    let key = VerifyingKey::from_sec1_bytes(&key.key).unwrap();
    let signature = Signature::from_slice(&tx.signatures[0]).unwrap();
    key.verify(&document.encode_to_vec(), &signature).unwrap();
    assert_eq!(auth.signer_infos[0].sequence, 9);

    let body = TxBody::decode(tx.body_bytes.as_slice()).unwrap();
    let message = RawMsgPayForBlobs::decode(body.messages[0].value.as_slice()).unwrap();
    assert_eq!(message.share_commitments, [blob.commitment.hash().to_vec()]);
    assert_eq!(message.blob_sizes, [1_000]);
    assert_eq!(message.signer, account.address().to_string());
    assert!(message.signer.starts_with("celestia1"));
}
