mod chain;
mod file;
