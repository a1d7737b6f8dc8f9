"""Tests of a program: what was asked for, how an output is compared or checked, verdicts, points, and who may see what.

Theory of operation. `asked` holds what a client asked for, as the row's `job` keeps it. `plan` makes one job of it: the
program's compile step, then a fresh step for each test, and a companion for a checker or an interactor. While that job
runs, `record` takes each step's result as it comes, and makes a verdict of it with `compare` or `judges`; `scores` adds
verdicts up. `shown` alone decides what of all this a key may see. Nothing here knows Django, HTTP, or a database.
"""
