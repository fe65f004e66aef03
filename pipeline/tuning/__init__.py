"""Proxies from a few labels: weighing stored terms, evolving a task of the regression proxy, and judging both.

A label is the true value of one architecture. There is a function for each verb: `weigh.weigh`, `evolve.evolve`,
`evaluations.evaluate` and `evaluations.transfer`. Each takes a `data.TuningData`.

Imports within go down: evaluations > draws > methods, learners > terms, and evolve > trials >
task_evolution > genes; weigh and evolve store what they make by tuned_proxy > rules.
"""
