"""The record on disk: its schema, its parts, and the index of the scores stored in it."""
