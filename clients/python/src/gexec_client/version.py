"""Which one it is."""

__version__ = "0.1.0"
