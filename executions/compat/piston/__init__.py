"""Piston's API, version 2, at /api/v2 and, with the prefix of its public server, at /api/v2/piston."""
