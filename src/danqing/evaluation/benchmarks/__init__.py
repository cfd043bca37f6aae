"""All benchmarks, by name; importing this package fills the registry."""

from danqing.evaluation.benchmark import AnyBenchmark, Benchmark, benchmarks
from danqing.evaluation.benchmarks import (
    depth,
    detection,
    dpg,
    evalmi,
    geneval,
    in_domain,
    novel_view,
    reconstruction,
    segmentation,
)

__all__ = [
    "AnyBenchmark",
    "Benchmark",
    "benchmarks",
    "depth",
    "detection",
    "dpg",
    "evalmi",
    "geneval",
    "in_domain",
    "novel_view",
    "reconstruction",
    "segmentation",
]
