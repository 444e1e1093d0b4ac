mod blocks;
mod difficulty;
