"""The published search for a task: ageing evolution, here with an early end for tasks that are hopeless.

Ageing evolution after Real et al. (AAAI 2019) with the numbers of Li et al. (NeurIPS 2021). Every draw of a step comes
from a random stream of its own, so that a search which is done again, with its trainings stored, takes the same steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist, median

import numpy as np

from pipeline import provenance
from pipeline.search.evolution import AgeingEvolution, winner
from pipeline.tuning import genes
from pipeline.tuning.methods import correlation

LOOKS = (0.3, 0.5, 0.7)  # shares of the labels after which a task may be given up
_FEWEST = 5  # labels before the first look
_ALPHA = 0.2  # nominal chance that a task which would reach the bar is given up, over all looks

Losses = Mapping[str, float | None]
Train = Callable[[int, genes.Genes, Sequence[str]], Losses]
"""(step, genes, arch_ids) -> the loss of each, None where the training failed."""


@dataclass(frozen=True)
class EvolutionSettings(AgeingEvolution):
    """How to search for a task; the published numbers by default.

    Args:
        tasks: how many tasks at most, the first population among them.
        budget: no task is begun that could take more trainings than this in all.
        early: give up hopeless tasks.
    """

    tasks: int = 450
    budget: int = 9000
    early: bool = True


@dataclass(frozen=True)
class TriedTask:
    """A task that was tried: `fitness` is rho on the `used` labels that it was tried on, all of them if `whole`."""

    step: int
    parent: int | None
    genes: genes.Genes
    fitness: float
    used: int
    whole: bool


def evolve_tasks(
    settings: EvolutionSettings, inputs: str, labels: Mapping[str, float], identity: str, train: Train
) -> list[TriedTask]:
    """Try tasks until the budget or the tasks are used up.

    Args:
        inputs: what the networks take, images or sequences.
        labels: true value of each labelled architecture, higher is better, in the order in which they are tried.
        identity: of the search; its random streams follow from it.
        train: trains some architectures on a task.

    Returns:
        The tasks in the order in which they were tried.
    """
    tried: list[TriedTask] = []
    trainings = 0
    for step in range(settings.tasks):
        if trainings + len(labels) > settings.budget:
            break
        random = Random(provenance.stream_seed("tuning", identity, step))
        parent = winner(settings.contestants(tried, random), lambda task: task.fitness)
        own = genes.drawn(inputs, random) if parent is None else genes.mutated(parent.genes, inputs, random)
        bar = median(task.fitness for task in tried[-settings.population :]) if parent and settings.early else None
        fitness, used = _fitness(step, own, labels, bar, train)
        trainings += used
        tried.append(TriedTask(step, parent.step if parent else None, own, fitness, used, used == len(labels)))
    return tried


def best(tried: Sequence[TriedTask]) -> TriedTask:
    """The task with the highest fitness of those tried on every label; the first among equals."""
    return max((task for task in tried if task.whole), key=lambda task: task.fitness)


def _fitness(
    step: int, own: genes.Genes, labels: Mapping[str, float], bar: float | None, train: Train
) -> tuple[float, int]:
    """The fitness of a task and the number of labels that it rests on."""
    order = list(labels)
    losses: dict[str, float | None] = {}
    for stop in [*(looks(len(order)) if bar is not None else ()), len(order)]:
        losses |= train(step, own, order[len(losses) : stop])
        fitness = _rho(losses, labels)
        if bar is not None and hopeless(fitness, stop, len(order), bar):
            return fitness, stop
    return fitness, len(order)


def looks(labels: int) -> list[int]:
    """After how many labels a task is looked at."""
    return sorted({count for share in LOOKS if _FEWEST <= (count := math.floor(share * labels)) < labels})


def hopeless(rho: float, used: int, labels: int, bar: float) -> bool:
    """Whether rho on all labels will hardly reach the bar.

    In Fisher's z, a rho of n pairs has variance 1.06 / (n - 3) about the true one (Fieller, Hartley and Pearson, 1957),
    and the rho of all labels, which the first ones are part of, differs from theirs by 1.06 (1 / (used - 3) - 1 /
    (labels - 3)). A task is given up if the bar lies above the one-sided bound for the rho of all, with a nominal
    chance of error of .2, shared by the looks. Few pairs of ranks are less certain than that: measured on made-up
    normal pairs, 2 to 4 % of the tasks that would end at the bar or above are lost, for a fifth to a third of all
    trainings.
    """
    if used >= labels:
        return False
    variance = 1.06 * (1 / (used - 3) - 1 / (labels - 3))
    bound = NormalDist().inv_cdf(1 - _ALPHA / len(LOOKS)) * math.sqrt(variance)
    return _z(rho) + bound < _z(bar)


def _z(rho: float) -> float:
    return math.atanh(max(-0.999, min(0.999, rho)))


def _rho(losses: Losses, labels: Mapping[str, float]) -> float:
    """Spearman's rho of the truth with minus the loss; a training that failed is the worst."""
    scores = np.array([-np.inf if loss is None else -loss for loss in losses.values()])
    return correlation(scores, np.array([labels[a] for a in losses]))
