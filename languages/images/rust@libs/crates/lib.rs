//! Nothing: what the crates are compiled for is said by rustc's arguments.
