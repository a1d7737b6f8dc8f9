"""LibreChat's code interpreter: programs, and the files of a conversation that outlive a run."""
