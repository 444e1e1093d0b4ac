//! `blob.*` and `state.*`.

use super::{Answer, Params, RpcError, json};
use crate::{
    GasPrice, candidate_rows,
    content::verify_rows,
    devnet::{faults::Fault, node::Node, store::Block},
    header::TrustedHeader,
};
use celestia_rpc::TxConfig;
use celestia_types::{
    Blob, Commitment,
    blob::RawBlob,
    nmt::{Namespace, NamespaceProof},
    state::{Address, Coin},
};
use serde_json::Value;
use std::{future::pending, sync::Arc};

/// A blob of a block, its place in the extended square, and its rows.
struct Found {
    blob: Blob,
    first_row: u16,
    last_row: u16,
}

impl Node {
    pub(super) async fn blob_call(
        self: &Arc<Self>,
        name: &str,
        params: &mut Params,
        fault: Option<&Fault>,
    ) -> Answer {
        match name {
            "Submit" => {
                let height = self.post(params.get(0)?, params.get(1)?, fault).await?;
                json(height)
            }
            "Get" => {
                let found = self
                    .find(params.get(0)?, params.get(1)?, params.get(2)?)
                    .await?;
                json(found.blob)
            }
            "GetAll" => {
                let height = params.get(0)?;
                let namespaces: Vec<Namespace> = params.get(1)?;
                let block = self.served(height).await?;
                let mut blobs = Vec::new();
                for namespace in namespaces {
                    blobs.extend(
                        blobs_of(&block, namespace)?
                            .into_iter()
                            .map(|found| found.blob),
                    );
                }
                json((!blobs.is_empty()).then_some(blobs))
            }
            "GetProof" => {
                let (height, namespace) = (params.get(0)?, params.get(1)?);
                let found = self.find(height, namespace, params.get(2)?).await?;
                let block = self.served(height).await?;
                json(proofs(&block, namespace, &found))
            }
            "Included" => self.included(params).await,
            _ => Err(RpcError::unknown(&format!("blob.{name}"))),
        }
    }

    /// Whether the proofs are those of the blob: as celestia-node, an error
    /// where they are not. They come in a list; a single one is understood as
    /// well.
    async fn included(self: &Arc<Self>, params: &mut Params) -> Answer {
        let (height, namespace) = (params.get(0)?, params.get(1)?);
        let given: Value = params.get(2)?;
        let given: Vec<NamespaceProof> = match given {
            Value::Null => return Err(RpcError::text("blob: proof cannot be nil")),
            Value::Array(_) => serde_json::from_value(given),
            single => serde_json::from_value(single).map(|proof| vec![proof]),
        }
        .map_err(RpcError::params)?;
        let found = match self.find(height, namespace, params.get(3)?).await {
            Ok(found) => found,
            Err(error) if error.message.contains("not found") => return json(false),
            Err(error) => return Err(error),
        };
        let block = self.served(height).await?;
        if proofs(&block, namespace, &found) == given {
            json(true)
        } else {
            Err(RpcError::text("blob: invalid proof"))
        }
    }

    async fn find(
        self: &Arc<Self>,
        height: u64,
        namespace: Namespace,
        commitment: Commitment,
    ) -> Result<Found, RpcError> {
        let block = self.served(height).await?;
        blobs_of(&block, namespace)?
            .into_iter()
            .find(|found| found.blob.commitment == commitment)
            .ok_or_else(|| RpcError::text("blob: not found"))
    }

    async fn post(
        self: &Arc<Self>,
        blobs: Vec<Blob>,
        options: TxConfig,
        fault: Option<&Fault>,
    ) -> Result<u64, RpcError> {
        if let Some(address) = options.signer_address
            && address != self.address()
        {
            return Err(RpcError::text(format!(
                "key for account {address} not found"
            )));
        }
        let price = |price: Option<f64>| match price {
            None => Ok(None),
            Some(price) => GasPrice::from_f64(price)
                .map(Some)
                .ok_or_else(|| RpcError::params("a gas price is no price")),
        };
        let (own, max) = (price(options.gas_price)?, price(options.max_gas_price)?);
        let (node, copied) = (Arc::clone(self), fault.cloned());
        let receiver =
            tokio::task::spawn_blocking(move || node.submit(&blobs, own, max, copied.as_ref()))
                .await
                .map_err(|error| RpcError::text(error.to_string()))?
                .map_err(RpcError::text)?;
        if fault == Some(&Fault::LostAfterMempool) {
            pending::<()>().await;
        }
        let answer = receiver
            .await
            .map_err(|_| RpcError::text("the node stops"))?
            .map_err(RpcError::text)?;
        if fault == Some(&Fault::LostAfterInclusion) {
            return Err(RpcError::text(
                "timed out waiting for tx to be included in a block",
            ));
        }
        Ok(answer)
    }

    pub(super) async fn state_call(
        self: &Arc<Self>,
        name: &str,
        params: &mut Params,
        fault: Option<&Fault>,
    ) -> Answer {
        match name {
            "AccountAddress" => json(Address::AccAddress(self.address())),
            "Balance" => json(Coin::utia(self.balance())),
            "BalanceForAddress" => {
                let address: Address = params.get(0)?;
                let own = address == Address::AccAddress(self.address());
                json(Coin::utia(if own { self.balance() } else { 0 }))
            }
            "IsStopped" => json(false),
            "SubmitPayForBlob" => {
                let blobs: Vec<RawBlob> = params.get(0)?;
                let blobs = blobs
                    .into_iter()
                    .map(Blob::from_raw)
                    .collect::<Result<_, _>>()
                    .map_err(|error| RpcError::text(error.to_string()))?;
                let height = self.post(blobs, params.get(1)?, fault).await?;
                let height = i64::try_from(height).unwrap_or(i64::MAX);
                json(celestia_types::state::RawTxResponse {
                    height,
                    ..Default::default()
                })
            }
            _ => Err(RpcError::unknown(&format!("state.{name}"))),
        }
    }
}

/// All blobs of a namespace, in the order of the square. Their index counts in
/// the extended square, as celestia-node's does.
fn blobs_of(block: &Block, namespace: Namespace) -> Result<Vec<Found>, RpcError> {
    let fail = |error: crate::ProofError| RpcError::text(error.to_string());
    let header = TrustedHeader::from_validated(&block.header).map_err(fail)?;
    let rows = candidate_rows(header.dah(), namespace);
    let data = block.square.namespace_data(namespace);
    let content = verify_rows(&header, namespace, &rows, &data).map_err(fail)?;
    let width = block.square.width() as u64;
    Ok(content
        .blobs
        .into_iter()
        .map(|placed| {
            let mut blob = placed.blob;
            let (row, column) = (u64::from(placed.row), u64::from(placed.column));
            blob.index = Some(row * width + column);
            let end = column + u64::from(placed.shares) - 1;
            Found {
                blob,
                first_row: placed.row,
                last_row: (row + end / (width / 2)) as u16,
            }
        })
        .collect())
}

/// For each row that the blob touches, the proof of the whole namespace in it.
fn proofs(block: &Block, namespace: Namespace, found: &Found) -> Vec<NamespaceProof> {
    (found.first_row..=found.last_row)
        .filter_map(|row| block.square.row_namespace_data(row.into(), namespace))
        .map(|data| data.proof)
        .collect()
}

/// All blobs of a namespace for whoever follows it.
pub(super) fn all(block: &Block, namespace: Namespace) -> Result<Vec<Blob>, RpcError> {
    Ok(blobs_of(block, namespace)?
        .into_iter()
        .map(|found| found.blob)
        .collect())
}
