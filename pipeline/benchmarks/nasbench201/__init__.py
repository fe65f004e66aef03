"""NAS-Bench-201 and NATS-Bench's size space: the benchmark, its published files, its architectures and its networks."""

from pipeline.benchmarks.nasbench201.benchmark import BENCHMARK as BENCHMARK
