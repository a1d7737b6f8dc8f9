"""Runs untrusted programs in hardened containers; knows nothing of Django, rows or HTTP."""
