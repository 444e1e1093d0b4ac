//! A replica whose feed says anything.

use super::node::{Stage, virtually};
use crate::{Memory, Seed, Target};
use alloy_primitives::{Address, B256, Bytes};
use arbitrary::{Arbitrary, Unstructured};
use futures_util::{SinkExt as _, StreamExt as _, future::BoxFuture};
use rollwright_core::{
    BlockId, BlockInput, BlockRef, ChainStore as _, ExecutionCaps, NodeApi as _,
};
use rollwright_derive::Rules;
use rollwright_node::{
    FeedConnector, FeedFrame, FeedGoodbye, FeedHello, FeedIo, NodeConfig, SequencerKey,
    SignedBlock, feed_evidence,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message},
};

/// What a feed says, over as many connections as it takes.
pub(super) const FEED: Target = Target {
    name: "replica-feed",
    about: "Whatever a feed says, in whatever order: the replica has the safe blocks that DA \
            gives, in time; what it keeps as evidence is evidence; it stops without an error.",
    run: feed,
    seeds: scripts,
    max_len: 512,
    memory: Memory {
        base: 96 << 20,
        per_byte: 4 << 10,
    },
    words: &[],
};

/// Things that one feed says.
const SAYINGS: usize = 24;

#[derive(Arbitrary, Clone, Debug)]
enum Says {
    /// A greeting: of this chain, or of another.
    Hello { lie: u8, latest: u8 },
    /// A block of the chain, as its sequencer signed it.
    True { number: u8 },
    /// A block that is not of the chain, by the sequencer or somebody else.
    Forged {
        number: u8,
        signer: u8,
        field: u8,
        value: u8,
    },
    /// A true block under a hash that is not its own.
    Misnamed { number: u8, hash: u8 },
    /// A message of any bytes.
    Binary(Vec<u8>),
    /// A message of a kind that means nothing here.
    Other { kind: u8, bytes: Vec<u8> },
    /// A farewell.
    Goodbye { kind: u8, first: u8 },
    /// Nothing, for seconds.
    Silence(u8),
    /// Bytes that are no WebSocket, then the end of the connection.
    Raw(Vec<u8>),
    /// The end of the connection.
    Hangup,
}

fn feed(input: &[u8]) {
    let mut source = Unstructured::new(input);
    let mut script = VecDeque::new();
    while !source.is_empty() && script.len() < SAYINGS {
        match Says::arbitrary(&mut source) {
            Ok(says) => script.push_back(says),
            Err(_) => break,
        }
    }
    virtually(follow(script));
}

async fn follow(script: VecDeque<Says>) {
    let stage = Stage::new().await;
    let liar = Arc::new(Liar::new(&stage, script));
    let engine = stage.engine();
    let config = NodeConfig::replica("ws://feed.invalid/feed");
    let node = stage
        .node(&engine, config)
        .connect_with(Arc::new(ToLiar(Arc::clone(&liar))));
    let node = node.run().await.expect("a new chain");
    // Longer than the script is silent, and than DA takes.
    for _ in 0..120 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let heads = node.heads();
        assert!(heads.finalized.number <= heads.safe.number);
        assert!(heads.safe.number <= heads.latest.number);
        if liar.told() && heads.safe.number >= stage.heads.safe.number {
            break;
        }
    }
    let heads = node.heads();
    assert!(
        heads.safe.number >= stage.heads.safe.number,
        "a feed keeps the replica from what DA gives: {heads:?}, not {:?}",
        stage.heads
    );
    for number in 0..=stage.heads.safe.number {
        let told = |store: &rollwright_core::memory::MemoryExecution| {
            let block = store.block(BlockId::Number(number)).expect("reads");
            block.map(|block| block.block)
        };
        assert_eq!(told(&engine), told(&stage.engine), "another safe block");
    }
    for evidence in feed_evidence(&engine).expect("its own records") {
        let signer = evidence.verify(liar.chain, &stage.rules);
        assert_eq!(signer, Ok(stage.sequencer.key.address()), "{evidence:?}");
    }
    node.shutdown()
        .await
        .expect("a feed does not make a node fail");
}

/// A feed that says what a script says.
#[derive(Debug)]
struct Liar {
    chain: (u64, B256),
    latest: BlockRef,
    key: SequencerKey,
    /// Inputs of the chain's blocks, with their hashes, from block 1 on.
    blocks: Vec<(B256, BlockInput)>,
    script: Mutex<VecDeque<Says>>,
}

impl Liar {
    fn new(stage: &Stage, script: VecDeque<Says>) -> Self {
        let ExecutionCaps { chain_id, .. } = rollwright_core::Execution::caps(&stage.engine);
        let blocks = (1..=stage.heads.latest.number)
            .map(|number| input_of(stage, &stage.rules, number))
            .collect();
        Self {
            chain: (chain_id, stage.rules.rollup_id()),
            latest: stage.heads.latest,
            key: stage.sequencer.key.clone(),
            blocks,
            script: Mutex::new(script),
        }
    }

    fn next(&self) -> Option<Says> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.pop_front()
    }

    fn told(&self) -> bool {
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.is_empty()
    }

    fn hello(&self, lie: u8, latest: u8) -> FeedFrame {
        let (chain_id, rollup_id) = self.chain;
        FeedFrame::Hello(FeedHello {
            chain_id: chain_id + u64::from(lie % 8 == 1),
            rollup_id: if lie % 8 == 2 {
                B256::repeat_byte(lie)
            } else {
                rollup_id
            },
            latest: BlockRef {
                number: self.latest.number.saturating_add(u64::from(latest / 64)),
                ..self.latest
            },
        })
    }

    fn block(&self, number: u8) -> (B256, BlockInput) {
        self.blocks[usize::from(number) % self.blocks.len()].clone()
    }

    fn signed(&self, signer: u8, hash: B256, input: BlockInput) -> FeedFrame {
        // No byte of 0xff: a key is below the order of the curve.
        let other = || SequencerKey::from_bytes(B256::repeat_byte(signer & 0x7f | 1));
        let key = if signer < 192 {
            self.key.clone()
        } else {
            other().expect("a valid key")
        };
        let signed = SignedBlock::sign(&key, self.chain, 0, hash, input);
        FeedFrame::Block(Box::new(signed.expect("signs")))
    }

    fn forged(&self, number: u8, signer: u8, field: u8, value: u8) -> FeedFrame {
        let (hash, mut input) = self.block(number);
        let value = u64::from(value);
        match field % 12 {
            0 => input.timestamp = input.timestamp.wrapping_add(value),
            1 => input.fee_recipient = Address::repeat_byte(value as u8),
            2 => input.gas_limit = value << 56,
            3 => input.anchor.origin.height.0 = u64::MAX - value,
            4 => input.anchor.ordinal.0 = input.anchor.ordinal.0.wrapping_add(value),
            5 => input.parent.number = input.parent.number.wrapping_sub(value),
            6 => input.parent.number = u64::MAX - value % 2,
            7 => input.parent.hash = B256::repeat_byte(value as u8),
            8 => input.transactions.clear(),
            9 => input
                .transactions
                .push(Bytes::from(vec![value as u8; value as usize])),
            10 => input.forced_budget.gas = value,
            _ => input.anchor.data_root = B256::repeat_byte(value as u8),
        }
        self.signed(signer, hash, input)
    }

    /// Serves one connection until its end.
    async fn serve(&self, stream: DuplexStream) {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        let mut first = true;
        while let Some(next) = self.next() {
            if first && !matches!(next, Says::Hello { .. } | Says::Raw(_)) {
                let hello = self.hello(0, 0).encode();
                let _ = socket.send(Message::Binary(hello.0)).await;
            }
            first = false;
            if !self.say(&mut socket, next).await {
                return;
            }
        }
        // What the other side says, until it goes.
        while let Some(Ok(_)) = socket.next().await {}
    }

    /// Whether the connection goes on.
    async fn say(&self, socket: &mut WebSocketStream<DuplexStream>, next: Says) -> bool {
        let frame = match next {
            Says::Hello { lie, latest } => self.hello(lie, latest),
            Says::True { number } => {
                let (hash, input) = self.block(number);
                self.signed(0, hash, input)
            }
            Says::Forged {
                number,
                signer,
                field,
                value,
            } => self.forged(number, signer, field, value),
            Says::Misnamed { number, hash } => {
                let (_, input) = self.block(number);
                self.signed(0, B256::repeat_byte(hash), input)
            }
            Says::Goodbye { kind, first } => FeedFrame::Goodbye(match kind % 3 {
                0 => FeedGoodbye::TooSlow,
                1 => FeedGoodbye::Stopping,
                _ => FeedGoodbye::TooOld {
                    first: if first > 200 { u64::MAX } else { first.into() },
                },
            }),
            Says::Silence(seconds) => {
                tokio::time::sleep(Duration::from_secs(u64::from(seconds % 8))).await;
                return true;
            }
            Says::Binary(bytes) => return sent(socket, Message::Binary(bytes.into())).await,
            Says::Other { kind, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return match kind % 4 {
                    0 => sent(socket, Message::Text(text.into())).await,
                    1 => sent(socket, Message::Ping(short(bytes))).await,
                    2 => sent(socket, Message::Pong(short(bytes))).await,
                    _ => sent(socket, Message::Close(None)).await,
                };
            }
            Says::Raw(bytes) => {
                let stream = socket.get_mut();
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                return false;
            }
            Says::Hangup => return false,
        };
        sent(socket, Message::Binary(frame.encode().0)).await
    }
}

/// What a control frame may hold.
fn short(mut bytes: Vec<u8>) -> tokio_tungstenite::tungstenite::Bytes {
    bytes.truncate(125);
    bytes.into()
}

async fn sent(socket: &mut WebSocketStream<DuplexStream>, message: Message) -> bool {
    socket.send(message).await.is_ok()
}

/// A way to the one who lies.
#[derive(Debug)]
struct ToLiar(Arc<Liar>);

impl FeedConnector for ToLiar {
    fn connect(&self, _: &str) -> BoxFuture<'static, Result<Box<dyn FeedIo>, Error>> {
        let liar = Arc::clone(&self.0);
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 << 10);
            tokio::spawn(async move {
                match liar.refuses() {
                    Some(bytes) => refuse(theirs, &bytes).await,
                    None => liar.serve(theirs).await,
                }
            });
            Ok(Box::new(ours) as Box<dyn FeedIo>)
        })
    }
}

impl Liar {
    /// Bytes that a connection begins with in place of a handshake.
    fn refuses(&self) -> Option<Vec<u8>> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        match script.front() {
            Some(Says::Raw(_)) => match script.pop_front() {
                Some(Says::Raw(bytes)) => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Answers a request by any bytes.
async fn refuse(mut stream: DuplexStream, bytes: &[u8]) {
    let mut request = [0; 1_024];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(bytes).await;
}

/// The input of a block, from what the store keeps of it.
fn input_of(stage: &Stage, rules: &Rules, number: u64) -> (B256, BlockInput) {
    let record = stage.engine.block(BlockId::Number(number));
    let record = record.expect("reads").expect("a block");
    let anchor = record.anchor.expect("no genesis");
    let set = rules.at(anchor.ordinal);
    let input = BlockInput {
        parent: record.parent,
        timestamp: record.timestamp,
        fee_recipient: record.fee_recipient,
        gas_limit: set.gas_limit,
        anchor,
        forced: Vec::new(),
        forced_budget: set.forced_budget(),
        transactions: record.transactions,
        ticks: Vec::new(),
        inbox: Vec::new(),
    };
    assert_eq!(input.hash(), record.input_hash, "the input of a true block");
    (record.block.hash, input)
}

/// Scripts that [`Says`] reads as the names say.
fn scripts() -> Vec<Seed> {
    // An enum reads four bytes, of which the highest chooses.
    let says = |kind: u32, rest: &[u8]| {
        let place = ((u64::from(kind) << 32) / 10 + (1 << 28)) as u32;
        [&place.to_le_bytes()[..], rest].concat()
    };
    let truth = |number: u8| says(1, &[number]);
    let honest: Vec<u8> = (0..8).flat_map(truth).collect();
    let forged = |field: u8| says(2, &[1, 0, field, 3]);
    let every: Vec<u8> = (0..12).flat_map(forged).collect();
    vec![
        Seed::new("honest", honest.clone()),
        Seed::new("twice", [honest.clone(), honest.clone()].concat()),
        Seed::new(
            "forged",
            [truth(0), forged(0), truth(1), says(9, &[]), honest.clone()].concat(),
        ),
        Seed::new("forged-every-field", every),
        Seed::new("misnamed", [truth(0), says(3, &[1, 9]), truth(2)].concat()),
        Seed::new(
            "other-chain",
            [says(0, &[1, 0]), says(0, &[2, 0]), honest].concat(),
        ),
        Seed::new(
            "goodbyes",
            [says(6, &[0, 0]), says(9, &[]), says(6, &[2, 255])].concat(),
        ),
        Seed::new("raw", says(8, b"HTTP/1.1 101 \r\n\r\n")),
    ]
}
