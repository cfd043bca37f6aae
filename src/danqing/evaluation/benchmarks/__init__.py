"""All benchmarks, by name; importing this package fills the registry."""

from danqing.evaluation.benchmark import AnyBenchmark, Benchmark, benchmarks
from danqing.evaluation.benchmarks import in_domain

__all__ = ["AnyBenchmark", "Benchmark", "benchmarks", "in_domain"]
