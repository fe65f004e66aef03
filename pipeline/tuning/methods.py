"""Ways to weigh terms with few labels. Each gives the weights of a rule: a sum of ranks.

Ranks are centred and of variance 1 among all architectures, labelled or not, so that a weight means the same in every
draw of the labels. The target is the rank of the truth among the labelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pipeline.tuning.terms import CURVES, SCORES, Floats, Ints, TermTable, centred_ranks

_BAGS = 24
_STEPS = 5  # terms that a greedy choice adds up, with repetition
_SHRINKAGE = 0.85  # correlation that an untuned rule is taken to have: what a ridge shrinks towards
_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

Weights = Floats


@dataclass(frozen=True)
class Problem:
    """What a method sees.

    Args:
        ranks: of the labelled architectures, [labels, terms].
        target: ranks of their true values, [labels].
        prior: weights of the rule that no label has touched, [terms], such that the rule has variance 1.
        trained: the same of the trainings alone; `prior` where there are none.
    """

    ranks: Floats
    target: Floats
    prior: Weights
    trained: Weights
    seed: int

    @cached_property
    def resampled(self) -> Weights:
        """What `bagged` gives, which others build on."""
        labels, terms = self.ranks.shape
        random = np.random.default_rng(self.seed)
        drawn = random.integers(0, labels, (_BAGS, labels))
        allowed = random.random((_BAGS, terms)) < 0.5
        allowed[~allowed.any(axis=1)] = True
        return np.asarray(_chosen(self.ranks[drawn], self.target[drawn], allowed).mean(axis=0))

    def without(self, place: int) -> Problem:
        """The problem without one of the labels."""
        kept = np.arange(len(self.target)) != place
        return replace(self, ranks=self.ranks[kept], target=self.target[kept])


Method = Callable[[Problem], Weights]


def problem_of(table: TermTable, labelled: Ints, seed: int) -> Problem:
    """The problem of a table with these places labelled."""
    both = prior(table)
    trained = prior(table, (CURVES,))
    ranks, target = table.ranks[labelled], centred_ranks(table.truth[labelled])
    return Problem(ranks, target, prior=both, trained=trained if trained.any() else both, seed=seed)


def prior(table: TermTable, groups: Sequence[str] = (CURVES, SCORES)) -> Weights:
    """The weights of the untuned rule: every score, equally within trainings and others, and half from each."""
    weights = np.zeros(len(table.terms))
    for group in groups:
        of_group = np.array([t.point is None and t.group == group for t in table.terms], dtype=np.float64)
        weights += _scaled(table.ranks, of_group)
    return _scaled(table.ranks, weights)


def single(problem: Problem) -> Weights:
    """The term with the highest rho on the labels."""
    return _one_hot(int(np.argmax(_correlations(problem))), problem)


def pair(problem: Problem) -> Weights:
    """The two terms whose sum has the highest correlation on the labels."""
    x, r = _standardised(problem.ranks), _correlations(problem)
    together = x.T @ x / len(x)
    of_sums = (r[:, None] + r) / np.sqrt(np.maximum(2 + 2 * together, 1e-12))
    first, second = np.unravel_index(np.argmax(of_sums), of_sums.shape)
    return _one_hot(int(first), problem) + _one_hot(int(second), problem)


def shrunken(problem: Problem) -> Weights:
    """Every term that correlates positively, weighted by the square of its rho."""
    return np.asarray(np.maximum(_correlations(problem), 0) ** 2)


def sparse(problem: Problem) -> Weights:
    """Non-negative weights of few terms: the greedy choice of `_chosen`."""
    allowed = np.ones((1, problem.ranks.shape[1]), dtype=bool)
    return np.asarray(_chosen(problem.ranks[None], problem.target[None], allowed)[0])


def bagged(problem: Problem) -> Weights:
    """The mean of greedy choices on resamples of the labels, each among a random half of the terms.

    Ensemble selection after Caruana et al., "Ensemble Selection from Libraries of Models" (ICML 2004).
    """
    return problem.resampled


def ridge(problem: Problem) -> Weights:
    """A ridge regression shrunk towards nothing, its penalty chosen by leaving one label out."""
    return _ridge(problem, np.zeros_like(problem.prior))


def centred(problem: Problem) -> Weights:
    """A ridge regression shrunk towards the untuned rule."""
    return _ridge(problem, _SHRINKAGE * problem.prior)


def blend(problem: Problem) -> Weights:
    """The untuned rule and `bagged`, half and half on the labels."""
    return problem.prior + _unit(problem, problem.resampled)


def mixed(problem: Problem) -> Weights:
    """`blend` and a ridge regression shrunk towards the untuned rule of the trainings, a third each on the labels.

    Where the other scores mislead, the untuned rule of all terms does so too, and that of the trainings corrects it.
    """
    return blend(problem) + _unit(problem, _ridge(problem, _SHRINKAGE * problem.trained))


def untuned(problem: Problem) -> Weights:
    """The rule that no label has touched."""
    return problem.prior


CANDIDATES: Mapping[str, Method] = {
    "untuned": untuned, "single": single, "pair": pair, "shrunken": shrunken, "sparse": sparse, "bagged": bagged,
    "ridge": ridge, "centred": centred, "blend": blend, "mixed": mixed,
}  # fmt: skip


def chosen(problem: Problem) -> str:
    """The candidate whose predictions for each label, from the others, correlate best with the labels."""
    places = range(len(problem.target))
    others = [problem.without(place) for place in places]
    rhos = {}
    for name, method in CANDIDATES.items():
        predicted = [_predicted(problem, method(rest), place) for place, rest in zip(places, others, strict=True)]
        rhos[name] = correlation(np.array(predicted), problem.target)
    return max(rhos, key=lambda name: rhos[name])


def choice(problem: Problem) -> Weights:
    """The weights of the candidate that leaving one label out chooses."""
    return CANDIDATES[chosen(problem)](problem)


METHODS: Mapping[str, Method] = {"choice": choice, **CANDIDATES}
BEST = "mixed"  # over the spaces measured; choosing by leaving labels out does worse


def summed(ranks: Floats, weights: Weights) -> Floats:
    """The weighted sums of ranks [n, terms] over their largest size, rounded so that equal sums tie (decision 0033)."""
    sums = ranks @ weights
    return np.asarray(np.round(sums / max(float(np.abs(sums).max(initial=0)), 1e-300), 11))


def correlation(a: Floats, b: Floats) -> float:
    """Spearman's rho of two series; 0 where one has a single value."""
    a, b = centred_ranks(a), centred_ranks(b)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def _predicted(problem: Problem, weights: Weights, place: int) -> float:
    """In units of the rule's spread over the labels, so that the rules of different subsets are comparable."""
    return float(problem.ranks[place] @ _unit(problem, weights))


def _chosen(ranks: Floats, target: Floats, allowed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Weights:
    """For each bag, add up term after term, each time the one that makes the sum correlate best; stop at the best sum.

    Args:
        ranks: [bags, labels, terms].
        target: [bags, labels].
        allowed: which terms a bag may take, [bags, terms].

    Returns:
        weights [bags, terms] that add up to 1 for each bag.
    """
    x, y = _standardised(ranks, axis=1), _standardised(target, axis=1)
    labels, bags = x.shape[1], np.arange(len(x))
    turned = x.transpose(0, 2, 1)
    r, together = (turned @ y[..., None])[..., 0], turned @ x
    gained, size, overlap = np.zeros(len(x)), np.zeros(len(x)), np.zeros_like(r)
    weights, best, best_weights = np.zeros_like(r), np.full(len(x), -np.inf), np.zeros_like(r)
    for _ in range(_STEPS):
        power = np.maximum(size[:, None] + 2 * overlap + labels, 1e-9)
        of_sums = np.where(allowed, (gained[:, None] + r) / np.sqrt(power * labels), -np.inf)
        taken = of_sums.argmax(axis=1)
        weights[bags, taken] += 1
        gained += r[bags, taken]
        size += 2 * overlap[bags, taken] + labels
        overlap += together[bags, taken]
        better = of_sums[bags, taken] > best + 1e-9
        best[better], best_weights[better] = of_sums[bags, taken][better], weights[better]
    return np.asarray(best_weights / best_weights.sum(axis=1, keepdims=True))


def _ridge(problem: Problem, towards: Weights) -> Weights:
    """Ridge regression of what the rule `towards` leaves over, with an intercept."""
    kernel = problem.ranks @ problem.ranks.T / problem.ranks.shape[1]
    left = problem.target - problem.ranks @ towards
    penalty = min(_PENALTIES, key=lambda p: _left_out_error(kernel + 1, left, p))
    solved = np.linalg.solve(kernel + 1 + penalty * np.eye(len(left)), left)
    return np.asarray(towards + problem.ranks.T @ solved / problem.ranks.shape[1])


def _left_out_error(kernel: Floats, target: Floats, penalty: float) -> float:
    """Mean squared error of a kernel ridge on each label that it has not seen."""
    hat = kernel @ np.linalg.inv(kernel + penalty * np.eye(len(target)))
    return float(np.mean(((target - hat @ target) / (1 - np.diag(hat))) ** 2))


def _correlations(problem: Problem) -> Floats:
    return np.asarray(_standardised(problem.ranks).T @ _standardised(problem.target) / len(problem.target))


def _standardised(values: Floats, axis: int = 0) -> Floats:
    centre = values - values.mean(axis=axis, keepdims=True)
    return np.asarray(centre / np.maximum(centre.std(axis=axis, keepdims=True), 1e-9))


def _scaled(ranks: Floats, weights: Weights) -> Weights:
    """The weights such that the rule has variance 1; zeros stay."""
    spread = float((ranks @ weights).std())
    return weights / spread if spread else weights


def _unit(problem: Problem, weights: Weights) -> Weights:
    """The weights such that the rule has variance 1 over the labels."""
    return np.asarray(weights / max(float((problem.ranks @ weights).std()), 1e-12))


def _one_hot(place: int, problem: Problem) -> Weights:
    weights = np.zeros(problem.ranks.shape[1])
    weights[place] = 1
    return weights
