"""NAS-Bench-101: the benchmark, its published files, its architectures and its networks."""

from pipeline.benchmarks.nasbench101.benchmark import BENCHMARK as BENCHMARK
