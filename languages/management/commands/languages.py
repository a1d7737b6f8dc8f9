"""manage.py languages: list, show, history, install, build, pull, test, enable, disable, set and remove languages."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models

from dispatch import active
from languages import figures, folders, removal
from languages.commands import words_in
from languages.documents import BadDescription
from languages.management.listing import HEAD, described, line_of, megabytes, slug_of
from languages.management.threads import each
from languages.models import Language, LanguageChange
from languages.models.language import WORDS
from languages.options import MIB
from languages.removal import consequences_of
from languages.selftest.run import Verdict
from languages.toolchain import installs, language_images, pruning
from languages.toolchain.errors import InstallError
from rest.text import StorableDecoder
from sandbox.errors import SandboxError

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of what Ctrl-C ended, as shells count it."""
READER_LEFT = 128 + signal.SIGPIPE
"""That of `languages list | head` where head has seen enough."""
IMAGE_FREE_S = 10.0
"""A server ends the waiting containers of a language that is gone within a few seconds."""
CLOSE_S = 0.3
"""An interrupted command ends within a second; containers that are left until then end by themselves."""
_ALL = "all"
_NOT_TO_SET = {"id", "slug", "enabled", "image_digest", "tested", "tested_at", "updated_at"}
Method = Callable[[dict[str, Any]], None]


class Command(BaseCommand):
    """One subcommand for each thing that can be done to languages."""

    help = "Install and manage languages. `install` is build (or pull), test and enable in one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Subcommands, each with the languages that it is for and the method that does it."""
        actions = parser.add_subparsers(required=True, metavar="ACTION")
        self._action(actions, "list", "what there is: image, size, version, when tested", self._list, slugs="*")
        self._action(actions, "show", "all of it, as a language.toml", self._show)
        self._action(actions, "history", "who did what to them, the newest last", self._history)
        for name, text, method in (
            ("install", "load, build or pull, test and enable", self._install),
            ("build", "build images from their folders", self._build),
        ):
            action = self._action(actions, name, text, method)
            action.add_argument("--refresh", action="store_true", help="make every layer anew, with today's packages")
            action.add_argument("--force", action="store_true", help="take the folder's values over an admin's")
        prune = actions.add_parser("prune", help="remove images that builds have left and nothing uses")
        prune.set_defaults(method=self._prune)
        prune.add_argument("--older-than", type=int, default=7, metavar="DAYS", help="younger ones stay (7)")
        prune.add_argument("--dry-run", action="store_true", help="say which these are, and remove none")
        self._action(actions, "pull", "fetch images from their registries", self._pull)
        self._action(actions, "test", "run the self-tests on the images that are there", self._test)
        self._action(actions, "enable", "let requests use them; the self-test must have passed", self._enable)
        self._action(actions, "disable", "refuse new requests for them", self._disable)
        change = actions.add_parser("set", help="change fields: set python runs_per_container=100")
        change.set_defaults(method=self._set)
        change.add_argument("slug", metavar="NAME")
        change.add_argument("changes", nargs="+", metavar="FIELD=VALUE")
        remove = self._action(
            actions, "remove", "take them off the list; what they have executed is kept", self._remove
        )
        remove.add_argument("--image", action="store_true", help="the image too, where nothing else needs it")

    _interrupted = False

    def handle(self, *_args: Any, **options: Any) -> None:
        """Exits 1 when anything failed, after the rest was done, and 130 after Ctrl-C."""
        try:
            options["method"](options)
            self.stdout.flush()
        except KeyboardInterrupt:
            self._interrupt()
        except BrokenPipeError:
            # What is still in the buffer would be written, and refused, once more at the end of the process.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(READER_LEFT)
        except (InstallError, SandboxError) as error:
            raise CommandError(str(error)) from error
        finally:
            if not self._interrupted:
                active.close(grace_s=0)

    def _interrupt(self) -> None:
        """End now. Threads that are at work write nothing any more, and end with the process."""
        self._interrupted = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.stderr.write("interrupted; what was built stays")
        closing = threading.Thread(target=active.close, kwargs={"grace_s": 0}, daemon=True)
        closing.start()
        closing.join(CLOSE_S)
        sys.exit(INTERRUPTED)

    def _action(self, actions: Any, name: str, text: str, method: Method, *, slugs: str = "+") -> Any:
        action = actions.add_parser(name, help=text)
        action.set_defaults(method=method)
        action.add_argument("slugs", nargs=slugs, metavar="NAME", help=f"a language's slug or alias, or {_ALL}")
        return action

    def _list(self, options: dict[str, Any]) -> None:
        rows = {row.slug: row for row in Language.objects.all()}
        known = sorted(rows.keys() | set(folders.slugs()))
        slugs = _expanded(options["slugs"] or [_ALL])
        self.stdout.write(HEAD)
        for slug in slugs:
            if slug in known:
                self.stdout.write(line_of(slug, rows.get(slug)))
        if unknown := [slug for slug in slugs if slug not in known]:
            raise InstallError(_unknown(*unknown))

    def _show(self, options: dict[str, Any]) -> None:
        for slug in _expanded(options["slugs"]):
            self.stdout.write(described(self._found(slug)))

    def _history(self, options: dict[str, Any]) -> None:
        """Of languages that are gone, too."""
        for slug in _expanded(options["slugs"]):
            changes = LanguageChange.objects.filter(slug=slug).order_by("id")
            if not changes and _ALL not in options["slugs"]:
                raise InstallError(f"nothing was done to a language {slug}")
            for change in changes:
                self.stdout.write(f"{change.at:%Y-%m-%d %H:%M:%S} {slug} by {change.who}: {'; '.join(change.lines())}")

    def _install(self, options: dict[str, Any]) -> None:
        def install(slug: str) -> str:
            language = self._built(slug, options)
            image = language_images.image_of(language)
            if language.why_not_enabled(image.id if image else None):
                self._tested(language)
            self._go_on()
            if not language.enabled:
                installs.enable(language)
            return f"{language.version or 'version unknown'}, {megabytes(language) or 0} MB, enabled"

        language_images.ensure_base(self._print)
        self._tell_size(options)
        self._each(options["slugs"], install)

    def _build(self, options: dict[str, Any]) -> None:
        language_images.ensure_base(self._print)
        self._tell_size(options)
        self._each(options["slugs"], lambda slug: f"built, {megabytes(self._built(slug, options))} MB")

    def _tell_size(self, options: dict[str, Any]) -> None:
        """Before many are built: what they will take. One is begun at once."""
        named = sorted(set(_expanded(options["slugs"])) & set(folders.slugs()))
        to_build = [slug for slug in named if options["refresh"] or language_images.is_absent(slug)]
        if len(to_build) > 1:
            self._print(figures.expected(to_build))

    def _pull(self, options: dict[str, Any]) -> None:
        def pull(slug: str) -> str:
            language = self._row(slug)
            installs.pull(language, self._print)
            return f"pulled, {megabytes(language) or 0} MB"

        self._each(options["slugs"], pull)

    def _test(self, options: dict[str, Any]) -> None:
        def test(slug: str) -> str:
            language = self._row(slug)
            self._tested(language)
            return f"{language.version} passed"

        self._each(options["slugs"], test)

    def _enable(self, options: dict[str, Any]) -> None:
        def enable(slug: str) -> str:
            installs.enable(self._row(slug))
            return "enabled"

        self._each(options["slugs"], enable)

    def _disable(self, options: dict[str, Any]) -> None:
        def disable(slug: str) -> str:
            installs.disable(self._row(slug))
            return "disabled"

        self._each(options["slugs"], disable)

    def _set(self, options: dict[str, Any]) -> None:
        language = self._row(slug_of(options["slug"]))
        for change in options["changes"]:
            name, equals, value = change.partition("=")
            if not equals:
                raise CommandError(f"{change!r} is not FIELD=VALUE")
            setattr(language, name, _parsed(name, value))
        try:
            language.full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(_messages(error))) from error
        language.save()
        self._print(f"{language.slug}: {', '.join(options['changes'])}")
        if language.enabled and language.untested:
            self._print(
                f"{language.slug}: {', '.join(language.untested)}: served after `languages test {language.slug}`"
            )

    def _remove(self, options: dict[str, Any]) -> None:
        def remove(slug: str) -> str:
            language = self._found(slug)
            follows = consequences_of(language)
            image = follows.image_stays
            removal.remove([language])
            if options["image"]:
                image = self._image_removed(language) or image
            return f"removed; {follows.kept}; {image}; {follows.refused}"

        self._each(options["slugs"], remove)

    def _prune(self, options: dict[str, Any]) -> None:
        count = total = 0
        for image in pruning.prune(timedelta(days=options["older_than"]), dry_run=options["dry_run"]):
            count, total = count + 1, total + image.size_bytes
            self._print(f"{', '.join(image.tags) or image.id[:19]}: {image.size_bytes // MIB} MB, {image.created[:10]}")
        # Layers that several have in common are counted with each of them.
        would_be = "would be " if options["dry_run"] else ""
        self._print(f"{count} images, up to {total // MIB} MB, {would_be}removed")

    def _image_removed(self, language: Language) -> str:
        """What is said of it; empty where another language needs it."""
        try:
            return (
                f"its image {language.image} is removed" if removal.drop_image(language, within_s=IMAGE_FREE_S) else ""
            )
        except SandboxError as error:
            return f"its image {language.image} stays: {error}"

    def _each(self, slugs: list[str], act: Callable[[str], str]) -> None:
        """Do it for every language, two at once; go on after a failure, and fail at the end."""
        done = each(_expanded(slugs), lambda slug: self._one(slug, act), at_once=language_images.BUILDS_AT_ONCE)
        if failed := [slug for slug, ok in done if not ok]:
            if len(done) > 1:
                self.stderr.write(f"{len(failed)} of {len(done)} failed")
            sys.exit(1)

    def _one(self, slug: str, act: Callable[[str], str]) -> bool:
        began = time.monotonic()
        self._go_on()
        try:
            outcome = act(slug)
        except (BadDescription, InstallError, SandboxError) as error:
            self._go_on()
            self.stderr.write(f"{slug}: FAILED: {str(error).removeprefix(f'{slug}: ')}")
            return False
        finally:
            connection.close()
        self._print(f"{slug}: {outcome} ({time.monotonic() - began:.1f} s)")
        return True

    def _built(self, slug: str, options: dict[str, Any]) -> Language:
        """The language with its image there: built from its folder, or pulled where it has none."""
        if slug not in folders.slugs():
            language = self._row(slug)
            if language_images.image_of(language) is None or options["refresh"]:
                installs.pull(language, self._print)
            return language
        language = installs.load_folder(slug, force=options["force"])
        installs.build(
            language, self._print, refresh=options["refresh"], on_line=lambda line: self._print_step(slug, line)
        )
        return language

    def _tested(self, language: Language) -> None:
        result = installs.self_test(
            language, self._print, on_verdict=lambda verdict: self._print_verdict(language.slug, verdict)
        )
        if result.failed:
            raise InstallError(f"self-test failed: {', '.join(verdict.case for verdict in result.failed)}")

    def _row(self, slug: str) -> Language:
        language = Language.objects.filter(slug=slug).first()
        if language is not None:
            return language
        if slug in folders.slugs():
            return installs.load_folder(slug)
        raise InstallError(_unknown(slug))

    def _found(self, slug: str) -> Language:
        """The row, which is not made for this."""
        language = Language.objects.filter(slug=slug).first()
        if language is None:
            raise InstallError(f"{slug} is not installed" if slug in folders.slugs() else _unknown(slug))
        return language

    def _go_on(self) -> None:
        """Raises KeyboardInterrupt in a thread whose command was interrupted."""
        if self._interrupted:
            raise KeyboardInterrupt

    def _print_verdict(self, slug: str, verdict: Verdict) -> None:
        compiled = "" if verdict.compile_ms is None else f"compile {verdict.compile_ms:.0f} ms, "
        ran = "" if verdict.run_ms is None else f"run {verdict.run_ms:.0f} ms, "
        mark = "passed" if verdict.passed else "FAILED" if verdict.failed else "excused"
        numbers = f"{compiled}{ran}{verdict.peak_memory_bytes // MIB} MB"
        self._print(f"{slug}: {verdict.case} {mark} ({numbers}) {verdict.problem}".rstrip())
        if advice := f"excused: {verdict.excused}" if verdict.excused else verdict.hint:
            self._print(f"{slug}: {verdict.case}: {advice}")

    def _print_step(self, slug: str, line: str) -> None:
        if line.startswith("Step "):
            self._print(f"{slug}: {line}")

    def _print(self, line: str) -> None:
        self._go_on()
        self.stdout.write(line)
        self.stdout.flush()


def _expanded(names: list[str]) -> list[str]:
    """The slugs of what is named, each once; `all` is every folder and every row."""
    if _ALL in names:
        return sorted({*folders.slugs(), *Language.objects.values_list("slug", flat=True)})
    return list(dict.fromkeys(map(slug_of, names)))


def _unknown(*names: str) -> str:
    return f"no language {', '.join(names)}: there is neither a row nor a folder of that name"


def _as_python_says(word: str) -> str:
    """True and False, which language.toml and the documents write small."""
    return word.capitalize()


def _parsed(name: str, value: str) -> Any:
    """The value as the field's type: lists and objects as JSON, aliases also as words with commas."""
    try:
        field = Language._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if field is None or name in _NOT_TO_SET or not isinstance(field, models.Field):
        known = sorted({each.name for each in Language._meta.fields} - _NOT_TO_SET)
        raise CommandError(f"{name} cannot be set; what can: {', '.join(known)}")
    if name in WORDS:
        try:
            return words_in(value)
        except ValueError as error:
            raise CommandError(f"{name}: {error}") from error
    if isinstance(field, models.JSONField):
        try:
            return json.loads(value, cls=StorableDecoder)
        except ValueError as error:
            raise CommandError(f"{name} is JSON: {error}") from error
    if name == "aliases":
        return [word for word in value.split(",") if word]
    if value == "" and field.null:
        return None
    try:
        return field.to_python(_as_python_says(value) if isinstance(field, models.BooleanField) else value)
    except ValidationError as error:
        raise CommandError(f"{name}: {'; '.join(error.messages)}") from error


def _messages(error: ValidationError) -> list[str]:
    return [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
