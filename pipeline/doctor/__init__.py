"""The verb `doctor`: is everything in a lake that was stored in it, and as it was stored?

Imports within go down: examination > contents, places.
"""
