"""NAS-Bench-Macro: eight layers of MobileNetV2's blocks or none, all trained on CIFAR-10.

Its one published file, of https://github.com/xiusu/NAS-Bench-Macro (Apache-2.0), is a table that `mappings/` describes.
"""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, Metric, Space, built_by
from pipeline.benchmarks.nasbench_macro import architectures, checking
from pipeline.benchmarks.nasbench_macro.architectures import DISTINCT, NAME, SPACE

BENCHMARK = Benchmark(
    name=NAME,
    title="NAS-Bench-Macro",
    spaces=(Space(SPACE, DISTINCT, "eight layers in three stages, each of two blocks of MobileNetV2 or nothing"),),
    metrics=(
        Metric(
            "cifar10", "test_accuracy", "test", "percent", True, 1, "top-1 accuracy, of each training the best epoch's"
        ),
        Metric("cifar10", "params", "none", "count", None, None, "parameters, the classifier's included"),
        Metric("cifar10", "flops", "none", "count", None, None, "multiplications of convolutions and classifier"),
    ),
    licence="Apache-2.0",
    canonical=architectures.canonical,
    compose=architectures.compose,
    build=built_by("pipeline.benchmarks.nasbench_macro.network:network"),
    features=built_by("pipeline.benchmarks.nasbench_macro.network:features"),
    stages=3,
    classes={"cifar10": 10},
    forms="nas-bench-macro_cifar10.json, by its table mapping",
    reference=(
        'Su, Huang, Li, You, Wang, Qian, Zhang and Xu, "Prioritized Architecture Sampling with Monto-Carlo Tree '
        'Search", CVPR 2021'
    ),
    curves_asked=False,
    sample=architectures.sample,
    mutate=architectures.mutate,
    check=checking.check,
    graph=architectures.graph,
)
