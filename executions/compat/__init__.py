"""The doors of other services: adapters that translate, and run nothing themselves.

A door is a package here, named as in executions.doors, with
- `urls.py`: `urlpatterns`, whole paths from the root of the server; `root_urlpatterns` too where it can be at the root;
- `words.py`: `answer(problem)`, which puts whatever a request is refused with into the door's own words;
- `languages.toml`, where the other service has names of its own for languages.
"""
