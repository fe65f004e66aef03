"""Hostile and odd inputs for every verb and reader, and kills at random moments: `make attack`.

A case is a line of data in a module of `cases`; `make test` runs the same cases in process (test_cases.py).
"""
