"""Every part of a gexec killed, frozen and brought back under load, and what it said compared with what is there.

Theory of operation. `schedule` draws from a seed which fault comes when, for how long, and which of several targets it
hits: the same seed gives the same schedule. `house` is a server on a data directory of its own with an engine that can
fail alone (a proxy in front of Docker), and starts the server again whenever it ends, as an init system does. `load`
keeps callers busy with `programs`, each request marked with a word of its own, and writes into `journal` what came of
it. `faults` says what can be done to the house, and how it is undone. `campaign` brings these together: it begins and
ends the faults of the schedule, and asks after each how long it takes until a program is answered rightly again. At the
end `answers`, `rows` and `leftovers` compare: answers with what the programs should have printed, rows with answers,
totals with rows, containers and processes with what the server says that it has. `trial` is all of it, once.
"""
