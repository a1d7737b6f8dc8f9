"""What a Dify of one's own calls its sandbox: run a code node's program, and tell which packages there are."""
