"""What tests, attacks, chaos and benchmarks share: real servers, their databases and containers, waiting. No pytest."""
