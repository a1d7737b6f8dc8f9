"""The labels of what gexec makes on a Docker host, by which it is found again whoever made it."""

from __future__ import annotations

KIND = "gexec.kind"
"""What an image or a volume was built as: base, language, runner. Containers have it from their image."""
LABEL = "gexec.owner"
"""Which server process a container belongs to, so that what one that has died left behind can be removed."""
