"""In English, which is the only language that there is."""
