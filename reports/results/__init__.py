"""The numbers of RESULTS.md and README.md, computed from published ground truth and data/scores.

`python -m reports.results DATA` builds a lake, computes `results.json` from it with queries/results/*.sql, and writes
the documents. reports/README.md tells more.
"""
