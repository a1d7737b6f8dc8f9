"""What a key may do. A right is one word; whoever needs one asks for it by name."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """One right of a key."""

    EXECUTE = "execute"
    STREAM = "stream"
    READ = "read"
    SEE_HIDDEN = "see_hidden"
    MANAGE_FILES = "manage_files"
    MANAGE_KEYS = "manage_keys"
    ADMIN = "admin"


USUAL = (Right.EXECUTE, Right.STREAM, Right.READ, Right.SEE_HIDDEN, Right.MANAGE_FILES)
"""Of a key that was made without saying which."""
WITHOUT_KEY = frozenset({Right.EXECUTE, Right.STREAM, Right.READ, Right.SEE_HIDDEN})
"""Of a caller without a key, over what it submitted itself."""
PUBLISHABLE = frozenset({Right.EXECUTE, Right.STREAM, Right.READ})
"""The most that a key for web pages may have, over what it submitted itself."""
