"""`gexec`: what is typed, what is done, and with which code it ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from gexec_client.cli import exits
from gexec_client.cli.account import completion, history, languages, login, logout
from gexec_client.cli.agents import mcp
from gexec_client.cli.grade import test
from gexec_client.cli.run import run
from gexec_client.cli.settings import BadSettings
from gexec_client.cli.shared import note
from gexec_client.errors import GexecError
from gexec_client.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def gexec() -> None:
    """Run programs on a gexec server."""


for _command in (run, test, languages, history, login, logout, completion, mcp):
    gexec.add_command(_command)


def main() -> None:
    """Do what the arguments say, and end."""
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, _leave)
    sys.exit(done_with(None))


def done_with(arguments: Sequence[str] | None) -> int:
    """Do what they say; the exit code. None: those of this process."""
    try:
        done = gexec.main(arguments, prog_name="gexec", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        note("cancelled")
        return exits.CANCELLED
    except BadSettings as error:
        note(str(error))
        return exits.CONFIGURATION
    except GexecError as error:
        note(str(error))
        return exits.of_error(error)
    return done if isinstance(done, int) else 0


def _leave(number: int, frame: FrameType | None) -> None:
    """End as after ^C: what runs is cancelled first."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
