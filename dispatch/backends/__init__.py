"""The ways to run a task; a module each, which has `make_backend()`."""
