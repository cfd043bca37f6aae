"""All benchmarks, by name; importing this package fills the registry."""

from danqing.evaluation.benchmark import AnyBenchmark, Benchmark, benchmarks
from danqing.evaluation.benchmarks import (
    chinese_word,
    cvtg,
    in_domain,
    longtext,
    oneig_text,
    tiif_text,
)

__all__ = [
    "AnyBenchmark",
    "Benchmark",
    "benchmarks",
    "chinese_word",
    "cvtg",
    "in_domain",
    "longtext",
    "oneig_text",
    "tiif_text",
]
