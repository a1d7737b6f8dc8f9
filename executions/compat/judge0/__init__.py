"""The door for clients of Judge0 CE 1.13.1."""
