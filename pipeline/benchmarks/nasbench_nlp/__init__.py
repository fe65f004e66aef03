"""NAS-Bench-NLP: the benchmark, its published files, its architectures and its networks."""

from pipeline.benchmarks.nasbench_nlp.benchmark import BENCHMARK as BENCHMARK
