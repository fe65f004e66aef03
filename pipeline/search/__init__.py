"""The search stage: trajectories through a search space, by new or by stored scores.

Imports within go down: run > search > record, stored_scores > trajectory > evolution.
"""
