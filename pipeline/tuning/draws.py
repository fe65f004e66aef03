"""Evaluate a way to use labels: over many draws of the labels, on the architectures that were not drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from pipeline.errors import UserError
from pipeline.tuning import learners, methods, prior
from pipeline.tuning.learners import gaussian_process, random_forest
from pipeline.tuning.terms import CURVES, SCORES, Floats, Ints, TermTable, centred_ranks, only
from pipeline.wording import count_of, noun

ALL = "all"
GRAPH = "scores and graph"
LEARNED = ("generic", "corrected", "random-forest", "gradient-boosting", "gaussian-process")
"""What is judged on scores and the graph, where the generic rule can be computed."""
FEWEST = 20  # architectures that a rho is taken of


@dataclass(frozen=True)
class Draw:
    """One rho.

    Args:
        terms: what the method may use: curves, scores or all, or the scores of all proxies and the graph; or the key of
            one term that is ranked by as it is.
        method: a name of `methods.METHODS` or of `LEARNED`, or alone for one term.
        labels: how many it used.
        draw: the seed whose nested sample begins with the labels.
        benchmark, space: where rho was taken.
        n: architectures that rho was taken of; none was labelled, and no term was made with the label of one.
        rho: Spearman's.
    """

    terms: str
    method: str
    labels: int
    draw: int
    benchmark: str
    space: str
    n: int
    rho: float


def choices_of_terms(table: TermTable) -> dict[str, Ints]:
    """The columns of each choice of terms that the table has."""
    by_group = {group: columns for group in (CURVES, SCORES) if len(columns := table.columns(group))}
    return {**by_group, ALL: table.columns()} if len(by_group) > 1 else by_group


def within(
    table: TermTable, labels: int, seeds: Sequence[int], graph: Floats | None = None, ways: Collection[str] = ()
) -> Iterator[Draw]:
    """Every way to weigh, and every stored score, in every draw; rho on the architectures that are left.

    Args:
        graph: features of the architectures' graphs, `graph_features.features`, for what is learned.
        ways: names of `LEARNED`, to judge these and nothing else.

    Raises:
        UserError: too few architectures would be left.
    """
    _enough(table, labels)
    parts = {} if ways else {name: only(table, columns) for name, columns in choices_of_terms(table).items()}
    learned = {way: learner for way, learner in _learned(table, graph).items() if way in ways} if ways else {}
    for seed in seeds:
        order = table.nested(seed)
        labelled, rest = order[:labels], table.unknown(order[labels:])
        if ways:
            rankings = _predicted(learned, table, labelled, seed)
        else:
            rankings = chain(_weighed(parts, labelled, seed), _alone(table))
        for terms, method, used, values in rankings:
            rho = methods.correlation(values[rest], table.truth[rest])
            yield Draw(terms, method, used, seed, table.benchmark, table.space, len(rest), rho)


_Ranking = tuple[str, str, int, Floats]
"""Terms and method of a draw, how many labels the method used, and its value of every architecture, [n]."""


def _weighed(parts: Mapping[str, TermTable], labelled: Ints, seed: int) -> Iterator[_Ranking]:
    """Every way to weigh the terms of each choice, and what others predict from them."""
    labels = len(labelled)
    for name, part in parts.items():
        problem = methods.problem_of(part, labelled, seed)
        for method, weigh in methods.METHODS.items():
            yield name, method, 0 if method == "untuned" else labels, methods.summed(part.ranks, weigh(problem))
        target = centred_ranks(part.truth[labelled])
        yield name, "gaussian-process", labels, gaussian_process(part.ranks, labelled, target)
        if name == SCORES:  # the baseline of others, on what costs no training
            yield name, "random-forest", labels, random_forest(part.ranks, labelled, target, seed)


def _predicted(learned: Mapping[str, _Learner], table: TermTable, labelled: Ints, seed: int) -> Iterator[_Ranking]:
    """What is learned from scores and the graph."""
    target = centred_ranks(table.truth[labelled])
    for way, learner in learned.items():
        yield GRAPH, way, 0 if way == "generic" else len(labelled), learner(labelled, target, seed)


def _alone(table: TermTable) -> Iterator[_Ranking]:
    for column, term in enumerate(table.terms):
        if term.point is None:
            yield term.key, "alone", 0, table.ranks[:, column]


_Learner = Callable[[Ints, Floats, int], Floats]
"""(places of the labels, their target, seed) -> a value of every architecture."""


def _learned(table: TermTable, graph: Floats | None) -> dict[str, _Learner]:
    """What learns from scores and the graph, by name; nothing where the generic rule cannot be computed."""
    if (rule := prior.generic_rule(table)) is None:
        return {}
    everything = prior.features(table, graph)
    return {
        "generic": lambda labelled, target, seed: rule,
        "corrected": partial(learners.corrected, everything, rule),
        "random-forest": partial(random_forest, everything),
        "gradient-boosting": partial(learners.gradient_boosting, everything),
        "gaussian-process": lambda labelled, target, seed: gaussian_process(everything, labelled, target),
    }


def across(
    source: TermTable, target: TermTable, labels: int, seeds: Sequence[int], alike: Mapping[str, str] | None = None
) -> Iterator[Draw]:
    """Every method with labels of one space, its rule then applied to another; rho on what of the other has no label.

    Both are given the terms that they share. Ranks are taken within each space. No rho is taken of the architectures
    that a term was made with.

    Args:
        alike: architectures of the first space that the other has, too, see `terms.alike`: a label of the one is taken
            for a label of the other.

    Raises:
        UserError: too few architectures, or no term that both have.
    """
    here, there = shared(source, target)
    _enough(here, labels)
    places = choices_of_terms(here)
    for seed in seeds:
        labelled = here.nested(seed)[:labels]
        judged = _judged(there, {(alike or {}).get(here.arch_ids[place]) for place in labelled})
        for name, columns in places.items():
            problem = methods.problem_of(only(here, columns), labelled, seed)
            for method, weigh in methods.METHODS.items():
                values = methods.summed(there.ranks[:, columns], weigh(problem))
                rho = methods.correlation(values[judged], there.truth[judged])
                used = 0 if method == "untuned" else labels
                yield Draw(name, method, used, seed, there.benchmark, there.space, len(judged), rho)


def _judged(table: TermTable, labelled: Collection[str | None]) -> Ints:
    """The places of the architectures that a rule is judged on."""
    kept = [place for place, arch_id in enumerate(table.arch_ids) if arch_id not in labelled]
    judged = table.unknown(np.array(kept, dtype=np.int64))
    if len(judged) < FEWEST:
        raise UserError(
            f"{table.benchmark}/{table.space} has {count_of(len(judged), 'architecture')} with every term and no label"
        )
    return judged


def shared(source: TermTable, target: TermTable) -> tuple[TermTable, TermTable]:
    """The two tables with the terms that both have, in the same order."""
    there = {term.key: i for i, term in enumerate(target.terms)}
    both = [(i, there[term.key]) for i, term in enumerate(source.terms) if term.key in there]
    if not both:
        raise UserError(
            f"{source.benchmark}/{source.space} and {target.benchmark}/{target.space} have no term in common: "
            "score both with the same proxy"
        )
    here, other = zip(*both, strict=True)
    return only(source, here), only(target, other)


def _enough(table: TermTable, labels: int) -> None:
    if (n := len(table.arch_ids) - len(table.known)) < labels + FEWEST:
        known = f", and no term that was made with {noun(n, 'its', 'their')} label" if table.known else ""
        raise UserError(
            f"{count_of(n, 'architecture')} of {table.benchmark}/{table.space} "
            f"{noun(n, 'has', 'have')} truth and every term{known}: "
            f"{count_of(labels, 'label')} and "
            f"{FEWEST} to judge by are needed; score more, or name fewer proxies with --use"
        )
