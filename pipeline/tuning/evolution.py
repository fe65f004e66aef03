"""The published search for a task: ageing evolution, here with an early end for tasks that are hopeless.

Regularised evolution after Real et al. (AAAI 2019) with the numbers of Li et al. (NeurIPS 2021). Every draw of a step
comes from a stream of its own, so that a search which is done again, with what was trained at hand, takes the same
steps.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist, median

import numpy as np

from pipeline import provenance
from pipeline.tuning import genes
from pipeline.tuning.methods import correlation

LOOKS = (0.3, 0.5, 0.7)  # shares of the labels after which a task may be given up
_FEWEST = 5  # labels before the first look
_ALPHA = 0.2  # nominal chance that a task which would reach the bar is given up, over all looks

Losses = Mapping[str, float | None]
Train = Callable[[int, genes.Genes, Sequence[str]], Losses]
"""(step, genes, arch_ids) -> the loss of each, None where the training failed."""


@dataclass(frozen=True)
class Settings:
    """What a search is: the published numbers by default.

    Args:
        inputs: what the networks take, images or sequences.
        population, tournament: sizes.
        tasks: how many tasks at most, the first population among them.
        budget: no task is begun that could take more trainings than this in all.
        early: give up hopeless tasks.
    """

    inputs: str
    population: int = 50
    tournament: int = 10
    tasks: int = 450
    budget: int = 9000
    early: bool = True


@dataclass(frozen=True)
class Task:
    """A task that was tried: `fitness` is rho on the `used` labels that it was tried on, all of them if `whole`."""

    step: int
    parent: int | None
    genes: genes.Genes
    fitness: float
    used: int
    whole: bool


def search(settings: Settings, labels: Mapping[str, float], identity: str, train: Train) -> list[Task]:
    """Try tasks until the budget or the tasks are used up.

    Args:
        settings: the search.
        labels: true value of each labelled architecture, higher is better, in the order in which they are tried.
        identity: of the search; its random streams follow from it.
        train: trains some architectures on a task.

    Returns:
        the tasks in the order in which they were tried.
    """
    tried: list[Task] = []
    living: deque[Task] = deque(maxlen=settings.population)  # the oldest leaves when another is added
    spent = 0
    for step in range(settings.tasks):
        if spent + len(labels) > settings.budget:
            break
        random = Random(provenance.stream_seed("tuning", identity, step))
        parent = None
        if step < settings.population:
            drawn = genes.drawn(settings.inputs, random)
        else:
            parent = max(random.sample(list(living), min(settings.tournament, len(living))), key=lambda t: t.fitness)
            drawn = genes.mutated(parent.genes, settings.inputs, random)
        bar = median(t.fitness for t in living) if settings.early and len(living) >= settings.population else None
        fitness, used = _tried(step, drawn, labels, bar, train)
        spent += used
        task = Task(step, None if parent is None else parent.step, drawn, fitness, used, used == len(labels))
        tried.append(task)
        living.append(task)
    return tried


def best(tried: Sequence[Task]) -> Task:
    """The task with the highest fitness of those tried on every label; the first among equals."""
    return max((t for t in tried if t.whole), key=lambda t: t.fitness)


def _tried(
    step: int, drawn: genes.Genes, labels: Mapping[str, float], bar: float | None, train: Train
) -> tuple[float, int]:
    """Fitness and the number of labels that it rests on."""
    order = list(labels)
    losses: dict[str, float | None] = {}
    for stop in [*(looks(len(order)) if bar is not None else ()), len(order)]:
        losses |= train(step, drawn, order[len(losses) : stop])
        fitness = _fitness(losses, labels)
        if bar is not None and hopeless(fitness, stop, len(order), bar):
            return fitness, stop
    return fitness, len(order)


def looks(labels: int) -> list[int]:
    """After how many labels a task is looked at."""
    return sorted({found for share in LOOKS if _FEWEST <= (found := math.floor(share * labels)) < labels})


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


def _fitness(losses: Losses, labels: Mapping[str, float]) -> float:
    """Spearman's rho of the truth with minus the loss; a training that failed is the worst."""
    scores = np.array([-np.inf if loss is None else -loss for loss in losses.values()])
    return correlation(scores, np.array([labels[a] for a in losses]))
