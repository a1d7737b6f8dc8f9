"""python -m serve: everything that a start needs, then gunicorn. `make run` ends in it."""

from __future__ import annotations

import sys

from serve.start import main

sys.exit(main(sys.argv[1:]))
