"""The verb `doctor`: check that a lake holds everything that was stored in it, unchanged.

Imports within go down: examination > contents, places.
"""
