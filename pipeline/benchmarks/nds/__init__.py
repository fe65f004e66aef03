"""The Network Design Spaces: the benchmark, its published files, its architectures and its networks."""

from pipeline.benchmarks.nds.benchmark import BENCHMARK as BENCHMARK
