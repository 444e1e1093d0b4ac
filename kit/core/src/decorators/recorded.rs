use crate::{
    B256, BlobRef, Bytes, DaBlock, DaCaps, DaClaim, DaHead, DaHeader, DaHeight, DataAvailability,
    ErrorKind, Fee, LayerError, PostingUnit, Proof, Submission, keccak256,
};
use borsh::BorshSerialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One call with its arguments and outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// The trait's method.
    pub method: &'static str,
    /// Borsh of the arguments, in order.
    pub arguments: Bytes,
    /// Borsh of the result, or kind and code of the error.
    pub outcome: Result<Bytes, (ErrorKind, &'static str)>,
}

/// Keeps every call of a data-availability layer, in the order in which they
/// ended, until they are taken. Clones share one list.
///
/// Two runs of a deterministic program have the same
/// [`digest`](Self::digest).
#[derive(Clone, Debug)]
pub struct Recorded<L> {
    layer: L,
    calls: Arc<Mutex<Vec<CallRecord>>>,
}

impl<L> Recorded<L> {
    /// Wraps a layer.
    pub fn new(layer: L) -> Self {
        Self {
            layer,
            calls: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CallRecord>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().clone()
    }

    /// Takes the calls so far out of the list.
    pub fn take(&self) -> Vec<CallRecord> {
        std::mem::take(&mut self.lock())
    }

    /// keccak256 over all calls in the list.
    pub fn digest(&self) -> B256 {
        let mut digest = B256::ZERO;
        for call in self.lock().iter() {
            let outcome = call
                .outcome
                .as_ref()
                .map_err(|(kind, code)| (kind.as_str(), *code));
            digest = keccak256(encode(&(digest, call.method, &call.arguments, outcome)));
        }
        digest
    }

    fn keep<T: BorshSerialize, E: LayerError>(
        &self,
        method: &'static str,
        arguments: &impl BorshSerialize,
        result: Result<T, E>,
    ) -> Result<T, E> {
        let outcome = match &result {
            Ok(value) => Ok(encode(value)),
            Err(error) => Err((error.kind(), error.code())),
        };
        self.lock().push(CallRecord {
            method,
            arguments: encode(arguments),
            outcome,
        });
        result
    }
}

fn encode(value: &impl BorshSerialize) -> Bytes {
    let mut out = Vec::new();
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut out, value);
    out.into()
}

impl<L: DataAvailability> DataAvailability for Recorded<L> {
    type Error = L::Error;

    fn caps(&self) -> DaCaps {
        self.layer.caps()
    }

    async fn head(&self) -> Result<DaHead, L::Error> {
        let result = self.layer.head().await;
        self.keep("head", &(), result)
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, L::Error> {
        let result = self.layer.submit(unit).await;
        self.keep("submit", unit, result)
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, L::Error> {
        let result = self.layer.fetch(height, hash).await;
        self.keep("fetch", &(height, hash), result)
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, L::Error> {
        let result = self.layer.prove(blob).await;
        self.keep("prove", blob, result)
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), L::Error> {
        self.layer.verify(header, claim, proof)
    }

    async fn estimate_fee(&self, unit: &PostingUnit) -> Result<Option<Fee>, L::Error> {
        let result = self.layer.estimate_fee(unit).await;
        self.keep("estimate_fee", unit, result)
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, L::Error> {
        let result = self.layer.header(height).await;
        self.keep("header", &height, result)
    }

    async fn is_canonical(&self, block: crate::DaBlockId) -> Result<bool, L::Error> {
        let result = self.layer.is_canonical(block).await;
        self.keep("is_canonical", &block, result)
    }
}
