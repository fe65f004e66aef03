"""NAS-Bench-201, as NATS-Bench publishes it: the topology space of 15,625 cells and the size space of 32,768 widths."""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, PublishedFile, Space, built_by
from pipeline.benchmarks.nasbench201 import architectures, reading
from pipeline.benchmarks.nasbench201.architectures import EDGES, NAME, OPERATIONS, STAGES, WIDTHS
from pipeline.benchmarks.nasbench201.metrics import CLASSES, METRICS


def _steps(name: str, drive: str) -> tuple[str, ...]:
    """How a person gets an archive that lies on Google Drive, which asks before it lets a large file go."""
    return (
        f"open https://drive.google.com/file/d/{drive}/view in a browser, and download {name}.tar",
        f"mkdir -p {{folder}} && tar -xf {name}.tar -C {{folder}}",
    )


BENCHMARK = Benchmark(
    name=NAME,
    title="NAS-Bench-201",
    spaces=(
        Space("topology", len(OPERATIONS) ** len(EDGES), "six edges of a cell, five operations each"),
        Space("size", len(WIDTHS) ** STAGES, "five stages of a fixed cell, eight widths each"),
    ),
    metrics=tuple(METRICS.values()),
    licence="MIT",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=built_by("pipeline.benchmarks.nasbench201.network:network"),
    stages=3,
    classes=CLASSES,
    forms="a folder of NATS-Bench's NNNNNN.pickle.pbz2 files, or one of them",
    published=(
        PublishedFile(
            "NATS-tss-v1_0-3ffb9-simple",
            "trainings of every topology",
            "D-X-Y/NATS-Bench",
            "https://github.com/D-X-Y/NATS-Bench",
            1_150_000_000,
            steps=_steps("NATS-tss-v1_0-3ffb9-simple", "17_saCsj_krKjlCBLOJEpNtzPXArMCqxU"),
        ),
        PublishedFile(
            "NATS-sss-v1_0-50262-simple",
            "trainings of every size",
            "D-X-Y/NATS-Bench",
            "https://github.com/D-X-Y/NATS-Bench",
            steps=_steps("NATS-sss-v1_0-50262-simple", "1scOMTUwcQhAMa_IMedp9lTzwmgqHLGgA"),
        ),
    ),
    reference='Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR '
    '2020; Dong, Liu, Musial and Gabrys, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", '
    'TPAMI 2021; accuracy under attack: Jung, Lukasik and Keuper, "Neural Architecture Design and Robustness: A '
    'Dataset", ICLR 2023; figures of devices: Li et al., "HW-NAS-Bench: Hardware-Aware Neural Architecture Search '
    'Benchmark", ICLR 2021',
    sample=architectures.sample,
    mutate=architectures.mutate,
    features=built_by("pipeline.benchmarks.nasbench201.network:features"),
    graph=architectures.graph,
)
