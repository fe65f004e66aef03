"""The scoring stage: what a run scores, how, and how its results are stored; aggregates; merging of lakes."""
