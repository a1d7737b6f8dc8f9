"""What `make bench` runs: gexec beside the ways of running the same program without it."""
