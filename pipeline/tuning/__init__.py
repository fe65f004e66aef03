"""Proxies from a few labels: weighing stored terms, evolving a task of the regression proxy, and judging both.

A label is the true value of one architecture. There is a module for each verb, with one function of its name:
`weigh.weigh`, `evolve.evolve`, `evaluate.evaluate` and `transfer.transfer`. Each takes a `data.TuningData`.

Imports within go down: evaluate, transfer > evaluations > draws > methods, learners > terms, and evolve > trials >
task_evolution > genes; weigh and evolve store what they make by tuned_proxy > rules.
"""
