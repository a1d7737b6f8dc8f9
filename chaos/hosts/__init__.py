"""The same for hosts: many machines' parts killed, frozen and cut off under load, and what each execution came to.

Theory of operation. `town` has three NATS servers as a cluster, each in a network namespace with an address of its own,
hosts in namespaces on wires that can be cut, a PostgreSQL, and two web servers of one process each. `load` sends
executions at a steady rate to either web server: some wait, some come back, some have tests. Each marks its program, so
that a recorder (testkit.sightings) sees from outside where it runs. `faults` says what can be done, and `trial` draws a
schedule from a seed, does it, and compares at the end: everything that was accepted has ended, with no more than two
attempts; nothing ran in two places at once, but for what a frozen host had; what was refused said why, and when to come
again; and nothing is left in NATS, in Docker or among the processes.
"""
