"""The life of one task that a host runs, in the process that asked for it: `run` has it, each other module a part.

`posting` is its job in NATS, `inbox` what its host tells, `account` what that comes to, `silence` what becomes of it
where nothing is told, `ends` the ends that are stored; `runs` finds the run that something is told of.
"""
