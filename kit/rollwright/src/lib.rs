#![doc = include_str!("../README.md")]

pub mod config;

pub use rollwright_core as core;
