"""Attacks on a running gexec: what is tried, what may come back, and what the host must look like afterwards."""
