#![doc = include_str!("../README.md")]

use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{
    B256, BlobRef, Clock, DaBlock, DaCaps, DaClaim, DaFinality, DaHead, DaHeader, DaHeight, DaLane,
    DataAvailability, ErrorKind, LayerError, PostedBlob, PostingUnit, Proof, Submission,
    SubmissionStatus, keccak256,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A folder that keeps blobs in order, one file a block. Clones share it; one
/// process uses a folder at a time.
#[derive(Clone, Debug)]
pub struct FolderDa(Arc<Mutex<Folder>>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// What the files `0`, `1`, … hold.
    blocks: Vec<Block>,
    /// Taken, and in no block yet; each in a file of its own until then.
    waiting: Vec<PostingUnit>,
}

#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
struct Block {
    parent: B256,
    time: u64,
    units: Vec<PostingUnit>,
}

/// Why the folder did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The file system failed.
    #[error("the folder cannot be used: {0}")]
    Io(#[from] io::Error),
    /// There is no such block yet.
    #[error("block {0} does not exist yet")]
    NotYet(DaHeight),
    /// It will never be taken, or does not prove what it should.
    #[error("refused: {0}")]
    Refused(&'static str),
}

impl LayerError for FolderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(_) => ErrorKind::Temporary,
            Self::NotYet(_) => ErrorKind::NotYet,
            Self::Refused(_) => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "RW-FOLDER-001",
            Self::NotYet(_) => "RW-FOLDER-002",
            Self::Refused(_) => "RW-FOLDER-003",
        }
    }
}

const MAX_BLOB_BYTES: u64 = 1 << 20;
const PROOF_VERSION: u16 = 1;

/// What the data root is the hash of, blob by blob.
type Commitments = Vec<(DaLane, B256)>;

/// A proof: the list, and which of its blobs it is for; none, for all of them.
type Shown = (Option<u32>, Commitments);

impl Block {
    fn commitments(&self) -> Commitments {
        let blobs = self.units.iter().flat_map(|unit| &unit.blobs);
        blobs
            .map(|blob| (blob.lane, keccak256(&blob.data)))
            .collect()
    }

    fn header(&self, height: u64) -> DaHeader {
        let data_root = hash(&self.commitments());
        let sealed = (height, self.parent.0, self.time, data_root.0);
        DaHeader {
            height: DaHeight(height),
            hash: hash(&sealed),
            parent_hash: self.parent,
            time: self.time,
            data_root,
        }
    }
}

fn bytes(value: &impl BorshSerialize) -> Vec<u8> {
    // Writing into a vector cannot fail.
    borsh::to_vec(value).unwrap_or_default()
}

fn hash(value: &impl BorshSerialize) -> B256 {
    keccak256(bytes(value))
}

/// That which shows what a block holds.
fn proof(shown: &Shown) -> Proof {
    Proof {
        version: PROOF_VERSION,
        bytes: bytes(shown).into(),
    }
}

/// Whole or not there, whenever the process ends.
fn write(path: &Path, value: &impl BorshSerialize) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, borsh::to_vec(value)?)?;
    fs::File::open(&draft)?.sync_all()?;
    fs::rename(draft, path)
}

fn waiting(path: &Path, unit: &PostingUnit) -> PathBuf {
    path.join(format!("waiting-{}", unit.id.0))
}

impl FolderDa {
    /// Opens a folder, and makes it with an empty first block where there is
    /// none.
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, FolderError> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        let mut folder = Folder {
            path,
            clock,
            blocks: Vec::new(),
            waiting: Vec::new(),
        };
        loop {
            match fs::read(folder.path.join(folder.blocks.len().to_string())) {
                Ok(bytes) => folder.blocks.push(borsh::from_slice(&bytes)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(error.into()),
            }
        }
        for entry in fs::read_dir(&folder.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("waiting-") {
                let unit: PostingUnit = borsh::from_slice(&fs::read(entry.path())?)?;
                // A process that died between block and clean-up left it.
                match folder.find(&unit) {
                    Some(_) => fs::remove_file(entry.path())?,
                    None => folder.waiting.push(unit),
                }
            }
        }
        if folder.blocks.is_empty() {
            folder.seal()?;
        }
        Ok(Self(Arc::new(Mutex::new(folder))))
    }

    /// Makes a block of what waits. Call it every few seconds.
    pub fn seal(&self) -> Result<DaHeader, FolderError> {
        self.with(Folder::seal)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Folder) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Folder {
    fn seal(&mut self) -> Result<DaHeader, FolderError> {
        let height = self.blocks.len() as u64;
        let parent = self.blocks.last();
        let now = self.clock.now_ms() / 1_000;
        let block = Block {
            parent: parent.map_or(B256::ZERO, |parent| parent.header(height - 1).hash),
            time: now.max(parent.map_or(0, |parent| parent.time)),
            units: self.waiting.clone(),
        };
        write(&self.path.join(height.to_string()), &block)?;
        for unit in self.waiting.drain(..) {
            // One that stays is found when the folder is opened again.
            let _ = fs::remove_file(waiting(&self.path, &unit));
        }
        let header = block.header(height);
        self.blocks.push(block);
        Ok(header)
    }

    /// Where a unit stands.
    fn find(&self, unit: &PostingUnit) -> Option<(u64, &PostingUnit)> {
        let blocks = (0u64..).zip(&self.blocks);
        let mut all = blocks
            .flat_map(|(height, block)| block.units.iter().map(move |posted| (height, posted)));
        all.find(|(_, posted)| posted.id == unit.id)
    }

    fn read(&self, height: DaHeight) -> Result<DaBlock, FolderError> {
        let block = usize::try_from(height.0)
            .ok()
            .and_then(|at| self.blocks.get(at));
        let block = block.ok_or(FolderError::NotYet(height))?;
        let header = block.header(height.0);
        let blobs = block.units.iter().flat_map(|unit| &unit.blobs);
        let posted = (0u32..).zip(blobs).map(|(index, blob)| PostedBlob {
            reference: BlobRef {
                block: header.id(),
                index,
                commitment: keccak256(&blob.data),
            },
            lane: blob.lane,
            poster: None,
            data: blob.data.clone(),
        });
        Ok(DaBlock {
            header,
            blobs: posted.collect(),
            completeness: proof(&(None, block.commitments())),
        })
    }

    fn take(&mut self, unit: &PostingUnit) -> Result<SubmissionStatus, FolderError> {
        let sizes = unit.blobs.iter().map(|blob| blob.data.len() as u64);
        if unit.blobs.is_empty() || sizes.max() > Some(MAX_BLOB_BYTES) {
            return Err(FolderError::Refused("no blob, or one above 1 MiB"));
        }
        let waits = self.waiting.iter().find(|waits| waits.id == unit.id);
        let posted = self.find(unit);
        if let Some(known) = waits.or(posted.map(|(_, posted)| posted))
            && known != unit
        {
            return Err(FolderError::Refused("that id names other bytes"));
        }
        if let Some((height, _)) = posted {
            let block = self.read(DaHeight(height))?;
            let before = self.blocks[height as usize]
                .units
                .iter()
                .take_while(|before| before.id != unit.id);
            let first: usize = before.map(|before| before.blobs.len()).sum();
            let ours = block.blobs.iter().skip(first).take(unit.blobs.len());
            let blobs = ours.map(|blob| blob.reference).collect();
            return Ok(SubmissionStatus::Included { blobs });
        }
        if waits.is_none() {
            write(&waiting(&self.path, unit), unit)?;
            self.waiting.push(unit.clone());
        }
        Ok(SubmissionStatus::Accepted)
    }
}

impl DataAvailability for FolderDa {
    type Error = FolderError;

    fn caps(&self) -> DaCaps {
        DaCaps {
            layer: "folder".to_owned(),
            network: self.with(|folder| folder.blocks[0].header(0).hash.to_string()),
            lanes: vec![DaLane::Batch, DaLane::Forced],
            max_blob_bytes: MAX_BLOB_BYTES,
            max_unit_bytes: 8 * MAX_BLOB_BYTES,
            block_time: Duration::from_secs(2),
            finality: DaFinality::Instant,
            retention: None,
        }
    }

    async fn head(&self) -> Result<DaHead, FolderError> {
        let newest = |folder: &mut Folder| folder.read(DaHeight(folder.blocks.len() as u64 - 1));
        let observed = self.with(newest)?.header.id();
        Ok(DaHead {
            observed,
            finalized: Some(observed),
        })
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, FolderError> {
        Ok(Submission {
            unit: unit.id,
            status: self.with(|folder| folder.take(unit))?,
            fee: None,
        })
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, FolderError> {
        let block = self.with(|folder| folder.read(height))?;
        match hash {
            Some(hash) if hash != block.header.hash => {
                Err(FolderError::Refused("another block stands there"))
            }
            _ => Ok(block),
        }
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, FolderError> {
        let block = self.fetch(blob.block.height, Some(blob.block.hash)).await?;
        if !block.blobs.iter().any(|posted| posted.reference == *blob) {
            return Err(FolderError::Refused("no such blob stands there"));
        }
        let list = block
            .blobs
            .iter()
            .map(|posted| (posted.lane, posted.reference.commitment));
        Ok(proof(&(Some(blob.index), list.collect())))
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), FolderError> {
        let holds = || {
            let (shown, list): Shown = borsh::from_slice(&proof.bytes).ok()?;
            let stands = |reference: &BlobRef, lane: DaLane, data: &[u8]| {
                let hash = keccak256(data);
                reference.block == header.id()
                    && reference.commitment == hash
                    && list.get(reference.index as usize) == Some(&(lane, hash))
            };
            let claimed = match claim {
                DaClaim::Included {
                    reference,
                    lane,
                    data,
                } => shown == Some(reference.index) && stands(reference, *lane, data),
                DaClaim::Complete { blobs } => {
                    shown.is_none()
                        && blobs.len() == list.len()
                        && (0u32..).zip(blobs).all(|(at, blob)| {
                            blob.reference.index == at
                                && stands(&blob.reference, blob.lane, &blob.data)
                        })
                }
            };
            Some(claimed && proof.version == PROOF_VERSION && hash(&list) == header.data_root)
        };
        match holds() {
            Some(true) => Ok(()),
            _ => Err(FolderError::Refused("the proof does not show that")),
        }
    }
}
