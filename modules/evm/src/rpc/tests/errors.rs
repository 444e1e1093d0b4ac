use crate::rpc::error::EthError;
use alloy_primitives::{B256, Bytes};
use jsonrpsee::types::ErrorObjectOwned;
use rollwright_core::SubmitError;
use serde_json::json;

fn object(error: impl Into<EthError>) -> serde_json::Value {
    serde_json::to_value(ErrorObjectOwned::from(error.into())).unwrap()
}

#[test]
fn refusals_of_the_pool_have_geths_words_and_code() {
    let cases = [
        (SubmitError::AlreadyKnown(B256::ZERO), "already known"),
        (
            SubmitError::Underpriced { required: 7 },
            "replacement transaction underpriced",
        ),
        (
            SubmitError::NonceTooLow {
                account: 5,
                transaction: 3,
            },
            "nonce too low: next nonce 5, tx nonce 3",
        ),
        (
            SubmitError::InsufficientFunds("have 1 want 2".into()),
            "insufficient funds for gas * price + value: have 1 want 2",
        ),
        (
            SubmitError::InsufficientFunds(
                "insufficient funds for gas * price + value: have 1 want 2".into(),
            ),
            "insufficient funds for gas * price + value: have 1 want 2",
        ),
    ];
    for (error, message) in cases {
        assert_eq!(object(error), json!({"code": -32000, "message": message}));
    }
    // No fault of the transaction: clients that know the code try again.
    for error in [
        SubmitError::PoolFull("txpool is full".into()),
        SubmitError::NotAdmitting("txpool is full".into()),
    ] {
        let expected = json!({"code": -32005, "message": "txpool is full"});
        assert_eq!(object(error), expected);
    }
    let internal = object(SubmitError::Internal("broken".into()));
    assert_eq!(internal, json!({"code": -32603, "message": "broken"}));
}

#[test]
fn hostile_revert_data_is_not_trusted() {
    // Offset and length that point outside, overflow, or are missing.
    let selector = [0x08, 0xc3, 0x79, 0xa0];
    let huge = [0xff; 32];
    let mut small = [0_u8; 32];
    small[31] = 32;
    let mut words: Vec<Vec<u8>> = Vec::new();
    for first in [huge, small] {
        for second in [huge, small] {
            let mut data = selector.to_vec();
            data.extend(first);
            data.extend(second);
            words.push(data.clone());
            data.extend([0x61; 31]);
            words.push(data);
        }
    }
    for data in words {
        let error = object(EthError::Revert(Bytes::from(data.clone())));
        assert_eq!(error["code"], 3);
        assert_eq!(error["message"], "execution reverted");
        assert_eq!(error["data"], json!(Bytes::from(data)));
    }
}
