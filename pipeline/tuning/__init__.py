"""From few labels to a rule: what is stored as terms, ways to weigh them, and the published search for a task.

A label is the true value of one architecture. Imports within go down: draws > methods > learners > terms, and
evolution > genes.
"""
