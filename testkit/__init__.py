"""What tests, attacks and benchmarks share: real servers, their databases and containers, and waiting. No pytest."""
