//! `share.*`.

use super::{Answer, Params, RpcError, json};
use crate::{
    SHARE_BYTES, candidate_rows,
    devnet::{faults::Lie, node::Node, store::Block},
};
use celestia_rpc::share::{GetRangeResponse, RowSide, SampleCoordinates};
use celestia_types::{
    RawShare, Share,
    eds::RawExtendedDataSquare,
    namespace_data::NamespaceData,
    nmt::{Namespace, NamespaceProof},
    row_namespace_data::RowNamespaceData,
    sample::Sample,
};
use nmt_rs::nmt_proof::NamespaceProof as RawProof;
use serde_json::Value;
use std::sync::Arc;

/// Shares that one call may ask for.
const MAX_SAMPLES: usize = 1_024;

impl Node {
    pub(super) async fn share_call(self: &Arc<Self>, name: &str, params: &mut Params) -> Answer {
        match name {
            "GetEDS" | "GetRange" | "GetSamples" | "GetRow" | "GetShare" | "GetNamespaceData"
            | "SharesAvailable" => {}
            _ => return Err(RpcError::unknown(&format!("share.{name}"))),
        }
        let block = self.served(params.get(0)?).await?;
        let width = block.square.width();
        let all = |row: u16| (0..width).map(move |column| (usize::from(row), column));
        let give = |shares: &mut dyn Iterator<Item = (usize, usize)>| {
            if self.faults.hold_back(block.header.height(), width, shares) {
                return Err(RpcError::text("share: data not available"));
            }
            Ok(())
        };
        match name {
            "SharesAvailable" => {
                give(&mut (0..width as u16).flat_map(all))?;
                Ok(Value::Null)
            }
            "GetEDS" => {
                give(&mut (0..width as u16).flat_map(all))?;
                json(RawExtendedDataSquare {
                    data_square: block
                        .square
                        .shares()
                        .chunks_exact(SHARE_BYTES)
                        .map(<[u8]>::to_vec)
                        .collect(),
                    codec: "Leopard".to_owned(),
                })
            }
            "GetRange" => {
                let (start, end): (u64, u64) = (params.get(1)?, params.get(2)?);
                let original = width as u64 / 2;
                let last = end.min(original * original);
                give(
                    &mut (start..last)
                        .map(|share| ((share / original) as usize, (share % original) as usize)),
                )?;
                range(&block, start, end)
            }
            "GetSamples" => {
                let places: Vec<SampleCoordinates> = params.get(1)?;
                if places.len() > MAX_SAMPLES {
                    return Err(RpcError::text("too many samples"));
                }
                give(&mut places.iter().map(|at| (at.row.into(), at.column.into())))?;
                let lie = self.faults.lie();
                let samples: Option<Vec<_>> = places
                    .iter()
                    .map(|at| sample(&block, lie.as_ref(), at.row.into(), at.column.into()))
                    .collect();
                json(samples.ok_or_else(out_of_square)?)
            }
            "GetRow" => {
                let row: u16 = params.get(1)?;
                give(&mut all(row))?;
                let shares: Option<Vec<_>> = (0..block.square.width())
                    .map(|column| raw(&block, row.into(), column))
                    .collect();
                Ok(serde_json::json!({
                    "shares": json(shares.ok_or_else(out_of_square)?)?,
                    "side": json(RowSide::Both)?,
                }))
            }
            "GetShare" => {
                let (row, column): (u16, u16) = (params.get(1)?, params.get(2)?);
                give(&mut std::iter::once((row.into(), column.into())))?;
                json(raw(&block, row.into(), column.into()).ok_or_else(out_of_square)?)
            }
            "GetNamespaceData" => {
                let namespace = params.get(1)?;
                let honest = block.square.namespace_data(namespace);
                let rows = lie(self.faults.lie().as_ref(), &block, namespace, honest);
                json(NamespaceData::new(rows))
            }
            _ => Ok(Value::Null),
        }
    }
}

fn out_of_square() -> RpcError {
    RpcError::text("share: coordinates out of the square")
}

fn raw(block: &Block, row: usize, column: usize) -> Option<RawShare> {
    Some(RawShare {
        data: block.square.share_bytes(row, column)?.to_vec(),
    })
}

/// A share with its proof, or what a dishonest node gives instead.
fn sample(block: &Block, lie: Option<&Lie>, row: usize, column: usize) -> Option<Sample> {
    let honest = block.square.sample(row, column)?;
    let other = || {
        block
            .square
            .sample(row, (column + 1) % block.square.width())
    };
    match lie {
        Some(Lie::OtherSample) => other(),
        Some(Lie::CorruptShare) => Some(Sample {
            share: block.square.share(row ^ 1, column)?,
            ..honest
        }),
        Some(Lie::CorruptProof) => Some(Sample {
            proof: other()?.proof,
            ..honest
        }),
        _ => Some(honest),
    }
}

/// Shares of the original square; the end is not one of them.
fn range(block: &Block, start: u64, end: u64) -> Answer {
    let proof = block
        .square
        .share_proof(start..end)
        .ok_or_else(|| RpcError::text(format!("share: invalid range from {start} to {end}")))?;
    let shares = proof
        .shares()
        .iter()
        .map(|share| Share::from_raw(share))
        .collect::<Result<_, _>>()
        .map_err(|error| RpcError::text(error.to_string()))?;
    json(GetRangeResponse { shares, proof })
}

/// What a dishonest node makes of a namespace's rows.
fn lie(
    lie: Option<&Lie>,
    block: &Block,
    namespace: Namespace,
    mut rows: Vec<RowNamespaceData>,
) -> Vec<RowNamespaceData> {
    let numbers = candidate_rows(block.square.dah(), namespace);
    match lie {
        Some(Lie::OmitRow) => {
            rows.pop();
        }
        Some(Lie::OmitShare) => {
            for (row, data) in numbers.iter().zip(&mut rows) {
                if data.shares.pop().is_some() {
                    shorten(block, *row, data);
                }
            }
        }
        Some(Lie::Absent) => {
            for data in &mut rows {
                if data.shares.is_empty() {
                    continue;
                }
                data.shares.clear();
                let mut raw = data.proof.clone().into_inner();
                if let Some(leaf) = raw.siblings().first().cloned() {
                    raw.convert_to_absence_proof(leaf);
                }
                data.proof = NamespaceProof::from(raw);
            }
        }
        Some(Lie::AddShare) => {
            for data in &mut rows {
                if let Some(share) = data.shares.first().cloned() {
                    data.shares.push(share);
                }
            }
        }
        Some(Lie::CorruptShare) => {
            if let Some(share) = rows.iter_mut().find_map(|data| data.shares.first_mut())
                && let Some(byte) = share.as_mut().get_mut(100)
            {
                *byte ^= 1;
            }
        }
        Some(Lie::CorruptProof) => {
            for data in &mut rows {
                let (RawProof::PresenceProof { proof, .. } | RawProof::AbsenceProof { proof, .. }) =
                    &mut *data.proof;
                proof.siblings.reverse();
            }
        }
        _ => {}
    }
    rows
}

/// A proof that holds for the shares that are left of a row.
fn shorten(block: &Block, row: u16, data: &mut RowNamespaceData) {
    let width = block.square.width() as u64 / 2;
    let start = u64::from(row) * width + u64::from(data.proof.start_idx());
    let range = start..start + data.shares.len() as u64;
    if let Some(proof) = block.square.share_proof(range)
        && let Some(proof) = proof.share_proofs.into_iter().next()
    {
        data.proof = proof;
    }
}
