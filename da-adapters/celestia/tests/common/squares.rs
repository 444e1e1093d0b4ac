//! Contents of blocks that follow from a number, and the squares that the
//! devnet lays them out in.

use alloy_primitives::hex;
use celestia_types::{Blob, nmt::Namespace, state::AccAddress};
use rollwright_da_celestia::devnet::{BlobUnit, ExtendedSquare, SquareBuilder};
use sha2::{Digest, Sha256};

/// What a block is to hold.
pub enum Item {
    /// A transaction without blobs.
    Plain(Vec<u8>),
    /// One that pays for blobs.
    Pays(BlobUnit),
}

/// A block's contents.
pub struct Case {
    pub seed: u64,
    pub max_width: u16,
    pub items: Vec<Item>,
}

/// The square that they give.
pub struct Laid {
    pub fits: Vec<bool>,
    pub width: u16,
    pub shares: String,
    pub data_root: String,
}

/// The splitmix64 generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, length: u64) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

impl Case {
    /// The case of a number: the same on every machine. From 1000 on squares
    /// are wide.
    pub fn of(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let max_width = match seed {
            0..1000 => 4 << numbers.below(4),
            _ => 64 << numbers.below(2),
        };
        let items = (0..1 + numbers.below(12))
            .map(|_| {
                // Long enough that none reads as a transaction of another kind.
                let length = 100 + numbers.below(600);
                let mut tx = numbers.bytes(length);
                // No protobuf field has number 0.
                tx[0] = 0;
                if numbers.below(5) == 0 {
                    return Item::Plain(tx);
                }
                let blobs = (0..1 + numbers.below(5))
                    .map(|_| {
                        let longest = [480, 2_000, 12_000, 60_000][numbers.below(4) as usize];
                        let length = 1 + numbers.below(longest);
                        let namespace = [0xa0 + numbers.below(6) as u8, 1];
                        let signer = (numbers.below(4) == 0).then(|| {
                            let id = [numbers.next() as u8; 20];
                            AccAddress::new(tendermint::account::Id::new(id))
                        });
                        let namespace = Namespace::new_v0(&namespace).unwrap();
                        Blob::new(namespace, numbers.bytes(length), signer).unwrap()
                    })
                    .collect();
                Item::Pays(BlobUnit { tx, blobs })
            })
            .collect();
        Self {
            seed,
            max_width,
            items,
        }
    }

    /// Lays it out as the devnet does.
    pub fn lay(&self) -> Laid {
        let mut builder = SquareBuilder::new(self.max_width);
        let fits = self
            .items
            .iter()
            .map(|item| match item {
                Item::Plain(tx) => builder.push_tx(tx.clone()),
                Item::Pays(unit) => builder.push(unit.clone()),
            })
            .collect();
        let square = builder.build();
        let extended = ExtendedSquare::new(&square).unwrap();
        Laid {
            fits,
            width: square.width(),
            shares: hex::encode(Sha256::digest(square.shares())),
            data_root: hex::encode(extended.dah().hash().as_bytes()),
        }
    }
}
