"""SandboxFusion's run_code, as its own clients and trainers that reward programs (verl) send it."""
