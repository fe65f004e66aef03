"""The report stage: a page with figures and the same as data, and the check against an earlier report.

Imports within go down: page > content, folder, tables > limits, ranking, comparison, searches > certainty,
families, figures, text > queries. `baseline` imports none of them.
Everywhere `connection` is a snapshot of the lake, and `main` the main target of a space.
"""
