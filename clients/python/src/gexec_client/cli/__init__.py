"""The command `gexec`."""
