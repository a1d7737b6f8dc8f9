#!/usr/bin/env python
"""Django's command line, with the embedded database found, or started where a command needs it."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Each is imported only when it is meant: the process that serves stays, and would keep Django in its memory.
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"]:
        from serve.start import main

        arguments = arguments[1:]
    else:
        from serve.commands import main
    sys.exit(main(arguments))
