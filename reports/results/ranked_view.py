"""The rankings of `ranked.py` by what they are about, as the templates ask for them."""

from __future__ import annotations

from typing import Any

from reports.results.spaces import OTHER_TARGETS, RANKED, RankedBenchmark, RankedSpace, Target

Row = dict[str, Any]
Measured = list[float]
"""n, rho, and the interval's ends."""

RELEASED_VARIANT = "_normalized@"
"""In the names of released scores that repeat another one, divided by the number of its layers."""


class RankedView:
    """What the templates ask of the rankings on further benchmarks and by further targets."""

    def __init__(self, results: Row) -> None:
        self.results = results
        self.cells = {(row["benchmark"], row["space"], row["dataset"], row["proxy"]): row for row in results["ranked"]}
        self.folded = {(row["proxy"], row["family"]): row for row in results["other_targets"]}

    def benchmark(self, name: str) -> RankedBenchmark:
        """One of the benchmarks."""
        return next(benchmark for benchmark in RANKED if benchmark.name == name)

    def columns(self, name: str) -> list[tuple[RankedSpace, Target]]:
        """The columns of its table: every target of every space with scores."""
        spaces = (space for space in self.benchmark(name).spaces if self.usual(name, space.name))
        return [(space, target) for space in spaces for target in space.targets]

    def heading(self, name: str, space: RankedSpace, target: Target) -> str:
        """What stands above a column, with the number of architectures that most proxies have scored."""
        title = ", ".join(filter(None, (space.title, target.title)))
        return f"{title}, n = {self.usual(name, space.name)}"

    def usual(self, name: str, space: str) -> int:
        """The number of architectures that the most proxies of our own have scored in a space."""
        numbers = [
            row["n"] + row["n_failed"]
            for row in self._of(name, space, self._main(name, space))
            if row["kind"] != "released"
        ]
        return max(set(numbers), key=lambda number: (numbers.count(number), number), default=0)

    def cell(self, name: str, space: str, dataset: str, proxy: str) -> Row | None:
        """The correlation of a proxy with a target."""
        return self.cells.get((name, space, dataset, proxy))

    def noted(self, row: Row | None, usual: int) -> Row | None:
        """The correlation with a note of n where that is not the usual one."""
        return {**row, "noted_n": row["n"]} if row and row["n"] + row["n_failed"] != usual else row

    def proxies(self, name: str) -> list[str]:
        """The proxies of a benchmark, by rho with the first column that they have."""
        first: dict[str, tuple[int, float]] = {}
        for place, (space, target) in enumerate(self.columns(name)):
            for row in self._of(name, space.name, target.dataset):
                if RELEASED_VARIANT not in row["proxy"]:
                    first.setdefault(row["proxy"], (-place, row["rho"]))
        return sorted(first, key=first.__getitem__, reverse=True)

    def kind(self, name: str, proxy: str) -> str:
        """The kind of a proxy."""
        return str(next(row["kind"] for key, row in self.cells.items() if key[0] == name and key[3] == proxy))

    def seconds(self, name: str, proxy: str) -> str:
        """Median seconds of a score in the spaces that it was scored in, with the device where that is no processor."""
        texts = []
        for space in self.benchmark(name).spaces:
            row = self.cell(name, space.name, space.targets[0].dataset, proxy)
            if row and row["seconds"] is not None:
                device = "" if row["device"] == "cpu" else f" ({row['device']})"
                texts.append(
                    f"{row['seconds']:.2f}{device}" if row["seconds"] < 10 else f"{row['seconds']:.0f}{device}"
                )
        return ", ".join(texts)

    def leader(self, name: str, space: str, dataset: str, *kinds: str) -> Row | None:
        """The proxy with the highest rho, among those of these kinds with half of the usual architectures."""
        usual = self.usual(name, space)
        rows = [
            row
            for row in self._of(name, space, dataset)
            if 2 * row["n"] >= usual and (not kinds or row["kind"] in kinds)
        ]
        return max(rows, key=lambda row: row["rho"], default=None)

    def frames(self, other: str) -> Row:
        """How many proxies rank better in another frame than in the main one, on the same cells."""
        rows = [row for row in self.results["frames"] if row["other"] == other and row["proxy"] != "random"]
        differences = [row["difference"] for row in rows]
        return {
            "proxies": len(rows),
            "fewest": min((row["n"] for row in rows), default=0),
            "most": max((row["n"] for row in rows), default=0),
            "better": sum(value > 0 for value, _, _ in differences),
            "surely_better": sum(low > 0 for _, low, _ in differences),
            "surely_worse": sum(high < 0 for _, _, high in differences),
            "agree": sorted(row["agree"] for row in rows),
        }

    def ceiling(self, space: str, target: Target, other: Target) -> Row:
        """How well the truth of one task ranks another; of one task itself, its validation figure the test figure."""
        metric = other.metric if target != other else target.metric.replace("test_", "validation_")
        key = {"dataset": target.dataset, "metric": target.metric, "other_dataset": other.dataset}
        return next(
            row
            for row in self.results["agreement"]
            if row["space"] == space and row["other_metric"] == metric and all(row[k] == v for k, v in key.items())
        )

    def others(self) -> list[str]:
        """The proxies with other targets, those of few architectures left out, by rho with accuracy."""
        accuracy = {row["proxy"]: row for row in self._accuracies()}
        known = {row["proxy"] for row in self.results["other_targets"]} & set(accuracy)
        most = max((accuracy[proxy]["n"] for proxy in known), default=0)
        whole = [proxy for proxy in known if 2 * accuracy[proxy]["n"] >= most]
        return sorted(whole, key=lambda proxy: (-accuracy[proxy]["rho"], proxy))

    def accuracy(self, proxy: str) -> Row | None:
        """The rho of a proxy with the main target."""
        return next((row for row in self._accuracies() if row["proxy"] == proxy), None)

    def truth(self) -> str:
        """The name that the truth of the main target has among the proxies."""
        return str(next(row["proxy"] for row in self.results["other_targets"] if row["kind"] == "truth"))

    def attacked(self, proxy: str, metric: str) -> Measured:
        """A proxy with a metric under attack."""
        targets: dict[str, Measured] = self.folded[proxy, "robustness"]["targets"]
        return next(measured for name, measured in targets.items() if name.split()[1] == metric)

    def best_attacked(self, metric: str) -> tuple[str, Measured]:
        """The proxy with the highest rho with a metric under attack."""
        return max(((proxy, self.attacked(proxy, metric)) for proxy in self.others()), key=lambda pair: pair[1][1])

    def strengths(self) -> list[str]:
        """The strengths that every attack was made at, in 255ths, as their metrics spell them."""
        attacks = [target.metric.split("_")[0] for target in OTHER_TARGETS.attacked]
        names = [name.split()[1] for name in self.folded[self.truth(), "robustness"]["targets"]]
        of = [{name.split("_")[1] for name in names if name.startswith(f"{attack}_")} for attack in attacks]
        return sorted(set.intersection(*of), key=float)

    def over(self, proxy: str, family: str) -> tuple[float, float, float]:
        """The mean of a proxy's rho over the targets of a family, the lowest and the highest."""
        rhos = [measured[1] for measured in self.folded[proxy, family]["targets"].values()]
        return sum(rhos) / len(rhos), min(rhos), max(rhos)

    def families(self) -> dict[str, int]:
        """The families without robustness, with the number of their targets."""
        return {
            family: len(row["targets"])
            for (proxy, family), row in self.folded.items()
            if proxy == self.truth() and family != "robustness"
        }

    def limits(self) -> list[Row]:
        """The limits on the cost: the largest value, and of the space and the scored the best within it."""
        shares: dict[float, Row] = {}
        for row in self.results["limits"]:
            shares.setdefault(row["share"], row)
            if row["scored"] > shares[row["share"]]["scored"]:
                shares[row["share"]] = row
        return [shares[share] for share in sorted(shares)]

    def picked(self, share: float, proxy: str) -> Row | None:
        """What a proxy picks within a limit."""
        rows = (row for row in self.results["limits"] if row["share"] == share and row["proxy"] == proxy)
        return next(rows, None)

    def _accuracies(self) -> list[Row]:
        return [
            row
            for row in self.results["correlations"]
            if row["benchmark"] == OTHER_TARGETS.benchmark and row["dataset"] == OTHER_TARGETS.cost.dataset
        ]

    def _main(self, name: str, space: str) -> str:
        return next(one.targets[0].dataset for one in self.benchmark(name).spaces if one.name == space)

    def _of(self, name: str, space: str, dataset: str) -> list[Row]:
        return [row for key, row in self.cells.items() if key[:3] == (name, space, dataset)]
