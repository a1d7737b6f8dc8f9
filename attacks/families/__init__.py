"""The attacks as data, one module for each family."""
