use crate::NodeError;
use rollwright_core::{BlockId, BlockInput, ExecuteOutcome, Executed, Execution};

/// Executes what the deriver asks for, unless the canonical block of that
/// number was made from an equal input: then it is that block.
pub(crate) async fn execute<E: Execution>(
    execution: &E,
    input: &BlockInput,
) -> Result<ExecuteOutcome, NodeError> {
    if let Some(executed) = known(execution, input)? {
        return Ok(ExecuteOutcome::Valid(executed));
    }
    execution.execute(input).await.map_err(NodeError::execution)
}

/// The canonical block that was made from an equal input, where there is one.
pub(super) fn known<E: Execution>(
    execution: &E,
    input: &BlockInput,
) -> Result<Option<Executed>, NodeError> {
    let id = BlockId::Number(input.number());
    let Some(record) = execution.block(id).map_err(NodeError::execution)? else {
        return Ok(None);
    };
    if record.parent != input.parent
        || record.forced.len() != input.forced.len()
        || record.input_hash != input.hash()
    {
        return Ok(None);
    }
    let id = BlockId::Hash(record.block.hash);
    let header = execution.header(id).map_err(NodeError::execution)?;
    let parent = execution
        .block(BlockId::Hash(input.parent.hash))
        .map_err(NodeError::execution)?;
    let (Some(header), Some(parent)) = (header, parent) else {
        return Ok(None);
    };
    let count = record.transactions.len() + record.forced_included.len();
    Ok(Some(Executed {
        block: record.block,
        header,
        pre_root: parent.state_root,
        forced: record
            .forced
            .into_iter()
            .map(|(_, outcome)| outcome)
            .collect(),
        input_hash: record.input_hash,
        transactions: u32::try_from(count).unwrap_or(u32::MAX),
    }))
}
