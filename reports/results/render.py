"""From numbers to text: RESULTS.md, and the blocks between markers in other documents."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import templates
from reports.results import collect
from reports.results.ranked_view import RankedView
from reports.results.spaces import CONVOLUTIONAL, OTHER_TARGETS, RANKED, SPACES

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(__file__).parent / "templates"
BLOCKS = {"README.md": ("findings", "leaderboard"), "data/README.md": ("count",)}
"""Documents with generated blocks, and the names of their blocks."""

Row = dict[str, Any]


class ClaimError(Exception):
    """A sentence of the documents is no longer what the numbers say."""


def documents(results: Row) -> dict[Path, str]:
    """The text of every document that holds results, generated anew; nothing is written.

    Raises:
        ClaimError: a finding does not hold any more.
    """
    check_claims(results)
    texts = {ROOT / "RESULTS.md": _rendered("results", results)}
    for name, blocks in BLOCKS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        for block in blocks:
            text = replaced(text, block, _rendered(block, results).strip())
        texts[ROOT / name] = text
    return texts


def replaced(text: str, block: str, content: str) -> str:
    """The text with new content between the markers of a block: on lines of its own, or within a line.

    Raises:
        ValueError: the text does not hold the markers once.
    """
    pattern = re.compile(rf"(<!-- results:begin {block} -->)(\n?).*?(<!-- results:end {block} -->)", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the markers of the block {block} are not there exactly once")
    return pattern.sub(lambda found: f"{found[1]}{found[2]}{content}{found[2]}{found[3]}", text)


def check_claims(results: Row) -> None:
    """Hold the findings of README.md against the numbers.

    Raises:
        ClaimError: names the template whose sentence has to be rewritten.
    """
    view = View(results)
    convolutional = [space for space in SPACES if space.trained == "regression-n101"]
    rule = [row for row in results["rule"] if row["half"] == "other" and row["benchmark"] != "nasbench_nlp"]
    claims = {
        "the generic rule is surely above the published training on what it was not chosen on": all(
            row["rule_minus_proxy"][1] > 0 for row in rule if row["proxy"] == "regression-n101"
        ),
        "the generic rule is above every other proxy": all(
            row["rule_minus_proxy"][0] > 0 for row in rule if row["proxy"] != "generic"
        ),
        "the short training ranks as the published one": all(
            low <= 0 <= high
            for space in convolutional
            for _, low, high in [view.difference(space.benchmark, "regression-fast", "regression-n101")]
        ),
        "the regression proxy is surely above every zero-cost proxy": all(
            view.difference(space.benchmark, space.trained, "zero-cost")[1] > 0 for space in SPACES
        ),
        "SynFlow and the last stage lead the trainings on NAS-Bench-201 and not on NAS-Bench-101": (
            view.difference("nasbench201", "aggregate-synflow-late", "regression-menu")[1] > 0
            and view.difference("nasbench101", "aggregate-synflow-late", "regression-n101")[2] < 0
        ),
        "20 labels give a plain sum less than the generic rule has without any": all(
            view.labels(space.benchmark, "mixed")["rho"] < view.learned("generic", space.benchmark, 20)[0]["rho"]
            for space in convolutional
        ),
        "20 labels are not shown to gain on the best stored score without any": all(
            view.labels(space.benchmark, "mixed")["difference_low"] <= 0 for space in SPACES
        ),
        "the short training with SynFlow has the highest mean over all convolutional spaces, and is surely above the "
        "generic rule on those that the rule was not chosen on, as are sums chosen without the space that they rank": (
            results["overview"][0]["proxy"] == "aggregate-synflow-fast"
            and view.over_spaces("aggregate-synflow-fast")["rule_minus_proxy_elsewhere"][2] < 0
            and results["left_out"][-1]["elsewhere"][0] > results["left_out"][-1]["rule_elsewhere"][0]
        ),
        "no number of labels takes the corrected rule below the rule": all(
            row["difference_high"] >= 0 for row in view.learned("corrected")
        ),
    }
    for claim, holds in claims.items():
        if not holds:
            raise ClaimError(f"no longer true: {claim}; rewrite reports/results/templates/findings.md.j2 and its check")


class View:
    """Results by what they are about, as the templates ask for them."""

    def __init__(self, results: Row) -> None:
        self.results = results
        self.titles = {(space.benchmark, target.dataset): target.title for space in SPACES for target in space.targets}

    def rho(self, benchmark: str, dataset: str, proxy: str) -> Row | None:
        """The correlation of a proxy with a target, if it was scored there."""
        return self._first("correlations", benchmark=benchmark, dataset=dataset, proxy=proxy)

    def top_tenth(self, benchmark: str, dataset: str, proxy: str) -> Row | None:
        """The correlation of a proxy with a target among the truly best tenth."""
        return self._first("top_tenth", benchmark=benchmark, dataset=dataset, proxy=proxy)

    def orders_best(self, proxy: str) -> bool:
        """Whether rho of a proxy among the truly best tenth is defined in any space: its scores are not all equal."""
        return any(row["rho"] is not None for row in self._all("top_tenth", proxy=proxy))

    def over_spaces(self, proxy: str) -> Row:
        """The means of a proxy over all convolutional spaces."""
        row = self._first("overview", proxy=proxy)
        assert row is not None
        return row

    @staticmethod
    def negated(difference: list[float]) -> list[float]:
        """A difference with its interval, the other way round."""
        value, low, high = difference
        return [-value, -high, -low]

    def chose_rule(self, title: str) -> bool:
        """Whether the generic rule was chosen on the convolutional space with this title."""
        return any(space.chosen_on for space in CONVOLUTIONAL if space.title == title)

    def proxies(self, fewest: int) -> list[str]:
        """The proxies with at least so many architectures somewhere, by rho with the first target that they have."""
        best: dict[str, tuple[int, float]] = {}
        for place, (benchmark, dataset) in enumerate(self.titles):
            for row in self._all("correlations", benchmark=benchmark, dataset=dataset):
                if row["n"] >= fewest:
                    best.setdefault(row["proxy"], (-place, row["rho"]))
        return sorted(best, key=best.__getitem__, reverse=True)

    def partial(self, fewest: int) -> list[Row]:
        """The correlations that rest on fewer architectures."""
        rows = [row for row in self.results["correlations"] if row["n"] < fewest]
        return sorted(rows, key=lambda row: (row["benchmark"], -(row["rho"] or -1.0)))

    def seconds(self, proxy: str) -> str:
        """Seconds per architecture in the spaces, in their order."""
        found = [
            row["seconds"]
            for space in SPACES
            for row in [self.rho(space.benchmark, space.targets[0].dataset, proxy)]
            if row and row["seconds"] is not None
        ]
        return ", ".join(f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in found)

    def compared(self) -> list[Row]:
        """Proxies that train and aggregates on shared architectures, in each space the best first."""
        order = {key: place for place, key in enumerate(self.titles)}
        rows = [row for row in self.results["differences"] if row["kind"] != "zero-cost"]
        return sorted(rows, key=lambda row: (order[row["benchmark"], row["dataset"]], -row["rho"]))

    def published(self) -> list[Row]:
        """The published figures with the heading of their space and data set, in the order of the spaces."""
        titles = {space.benchmark: space.targets[0].title.partition(",")[0] for space in SPACES}
        alone = {benchmark.name: benchmark.title for benchmark in RANKED}
        order = [*titles, *alone]
        rows = [
            {**row, "title": self.titles.get(key) or alone.get(key[0]) or f"{titles[key[0]]}, {key[1]}"}
            for row in self.results["published"]
            for key in [(row["benchmark"], row["dataset"])]
        ]
        return sorted(rows, key=lambda row: (order.index(row["benchmark"]), row["dataset"], -row["published_rho"]))

    def difference(self, benchmark: str, proxy: str, other: str) -> list[float]:
        """Difference of rho with the main target, with its interval."""
        dataset = next(space.targets[0].dataset for space in SPACES if space.benchmark == benchmark)
        row = self._first("differences", benchmark=benchmark, dataset=dataset, proxy=proxy)
        assert row is not None
        difference: list[float] = row["minus"][other]
        return difference

    def ruled(self, benchmark: str, dataset: str, proxy: str, half: str) -> Row | None:
        """A proxy beside the generic rule on the half that it was not chosen on, "other", or on all."""
        return self._first("rule", benchmark=benchmark, dataset=dataset, proxy=proxy, half=half)

    def beside_rule(self) -> list[str]:
        """The other proxies beside the rule, those that it leads by least on NAS-Bench-101 first."""
        rows = [row for row in self.results["rule"] if row["proxy"] != collect.RULE and row["half"] == "other"]
        places = list(self.titles)
        rows.sort(key=lambda row: (row["benchmark"] != "nasbench101", places.index((row["benchmark"], row["dataset"]))))
        first: dict[str, float] = {}
        for row in rows:
            first.setdefault(row["proxy"], row["rule_minus_proxy"][0])
        return sorted(first, key=first.__getitem__)

    def learned(self, method: str, benchmark: str | None = None, labels: int | None = None) -> list[Row]:
        """What a way beside the generic rule is worth: by space, and by the number of labels that were given."""
        order = [space.benchmark for space in SPACES]
        rows = [
            row
            for row in self._all("learned", method=method)
            if benchmark in (None, row["benchmark"]) and labels in (None, row["labels_given"])
        ]
        return sorted(rows, key=lambda row: (order.index(row["benchmark"]), row["labels_given"]))

    def labels(self, benchmark: str, method: str, terms: str = "all") -> Row:
        """What a way to use labels is worth."""
        row = self._first("few_labels", benchmark=benchmark, method=method, terms=terms)
        return row or {}

    def best_alone(self, benchmark: str) -> Row:
        """The stored score with the highest rho on what is not labelled in a space, without a label."""
        return max(_of(self._all("few_labels", method="alone"), benchmark), key=lambda row: row["rho"])

    def ways(self) -> list[tuple[str, str]]:
        """Terms and methods of the evaluations, the best on NAS-Bench-201 first, and those of all terms before."""
        order = {"all": 0, "curves": 1, "scores": 2}
        rows = [row for row in self.results["few_labels"] if row["terms"] in order]
        rows = [row for row in rows if row["benchmark"] == "nasbench201"]
        return [(row["terms"], row["method"]) for row in sorted(rows, key=lambda r: (order[r["terms"]], -r["rho"]))]

    def alone(self) -> list[str]:
        """The trained proxies, and the best zero-cost proxy of each space on what was not labelled."""
        rows = self._all("few_labels", method="alone")
        trained = {row["terms"] for row in rows if row["terms"].startswith("regression-")}
        others = [row for row in rows if row["terms"] not in trained]
        best = [max(_of(others, space.benchmark), key=lambda row: row["rho"])["terms"] for space in SPACES]
        return [*sorted(trained), *dict.fromkeys(best)]

    def searched(self, benchmark: str) -> list[str]:
        """The proxies that a space was searched with, best random search first."""
        rows = self._all("searches", benchmark=benchmark, method="random", dataset=self.main(benchmark))
        return [row["proxy"] for row in sorted(rows, key=lambda row: abs(row["truth"] - row["best_of_space"]))]

    def search(self, benchmark: str, proxy: str, method: str, dataset: str) -> Row | None:
        """What a search found."""
        return self._first("searches", benchmark=benchmark, proxy=proxy, method=method, dataset=dataset)

    def main(self, benchmark: str) -> str:
        """The data set of a space's main target."""
        return next(space.targets[0].dataset for space in SPACES if space.benchmark == benchmark)

    def _all(self, table: str, **key: str) -> list[Row]:
        return [row for row in self.results[table] if all(row[name] == value for name, value in key.items())]

    def _first(self, table: str, **key: str) -> Row | None:
        return next(iter(self._all(table, **key)), None)


def _of(rows: list[Row], benchmark: str) -> list[Row]:
    return [row for row in rows if row["benchmark"] == benchmark]


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals; empty where there is none."""
    return "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def certain(row: Row | None, whole: int = 0, ranked_last: bool = False) -> str:
    """rho with its interval, failures where there are any, and n where a part of the `whole` was not scored.

    With `ranked_last` also rho with the failures ranked last.
    """
    if not row or row["rho"] is None:
        return ""
    notes = [f"{row['n_failed']} failed"] if row.get("n_failed") else []
    if notes and ranked_last:
        notes[0] += f"; ranked last {number(row['rho_failures_last'])}"
    if row.get("noted_n") or row.get("n", whole) + row.get("n_failed", 0) < whole:
        notes.insert(0, f"n = {row['n']}")
    text = f"{number(row['rho'])} [{number(row['low'])}, {number(row['high'])}]"
    return f"{text} ({', '.join(notes)})" if notes else text


def spanned(values: Iterable[float]) -> str:
    """A number with the ends of an interval or of a range."""
    value, low, high = values
    return f"{number(value)} [{number(low)}, {number(high)}]"


def spread(row: Row, digits: int = 2) -> str:
    """What a search found: mean and deviation of the true value, and how many seeds have one where not all do."""
    known = f", {row['known']} of {row['seeds']}" if row["known"] < row["seeds"] else ""
    return f"{number(row['truth'], digits)} ± {number(row['deviation'], digits)}{known}"


def difference(values: Iterable[float] | None) -> str:
    """A difference with its interval."""
    if not values:
        return ""
    value, low, high = values
    return f"{round(value, 3) + 0.0:+.3f} [{number(low)}, {number(high)}]"


def paragraph(text: str, indent: str = "") -> str:
    """The text in lines of at most 120 columns, the second and further ones indented; no line ends within brackets."""
    whole = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\0"), text)
    lines = textwrap.fill(whole, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


def _rendered(template: str, results: Row) -> str:
    environment = templates.environment(TEMPLATES, None)
    environment.filters |= {
        "number": number, "certain": certain, "difference": difference, "spread": spread, "kind": collect.kind,
        "paragraph": paragraph, "spanned": spanned,
    }  # fmt: skip
    environment.globals |= {
        "exp": math.exp, "results": results, "view": View(results), "spaces": SPACES, "ranked": RankedView(results),
        "other_targets": OTHER_TARGETS,
    }  # fmt: skip
    return environment.get_template(f"{template}.md.j2").render()
