"""All benchmarks, by name; importing this package fills the registry."""

from danqing.evaluation.benchmark import AnyBenchmark, Benchmark, benchmarks
from danqing.evaluation.benchmarks import (
    chinese_word,
    curved_text,
    cvtg,
    depth,
    detection,
    dpg,
    evalmi,
    geneval,
    in_domain,
    longtext,
    novel_view,
    oneig_text,
    reconstruction,
    segmentation,
    solids,
    tiif_text,
)

__all__ = [
    "AnyBenchmark",
    "Benchmark",
    "benchmarks",
    "chinese_word",
    "curved_text",
    "cvtg",
    "depth",
    "detection",
    "dpg",
    "evalmi",
    "geneval",
    "in_domain",
    "longtext",
    "novel_view",
    "oneig_text",
    "reconstruction",
    "segmentation",
    "solids",
    "tiif_text",
]
