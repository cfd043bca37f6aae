import json
import logging

import numpy as np
import pytest
import torch

from danqing.core.errors import StorageError
from danqing.core.log import Metrics, logger


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_write_is_one_line_on_disk(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.write(step=1, loss=torch.tensor(0.5), rate=np.float32(0.25))
    assert lines(metrics.path) == [{"step": 1, "loss": 0.5, "rate": 0.25}]
    Metrics(metrics.path).write(step=2)
    assert lines(metrics.path)[1] == {"step": 2}


def test_no_number_is_null_and_not_zero(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.write(loss=float("nan"), norm=torch.tensor(float("inf")), note=None)
    assert lines(metrics.path) == [{"loss": None, "norm": None, "note": None}]


def test_a_line_left_unfinished_is_dropped(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.write(step=1)
    with metrics.path.open("a") as file:
        file.write('{"step": 2, "lo')
    metrics.write(step=2)
    assert lines(metrics.path) == [{"step": 1}, {"step": 2}]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(StorageError, match="it is a folder"):
        Metrics(tmp_path / "metrics.jsonl").write(step=1)


def test_a_logger_comes_without_handlers():
    log = logger("danqing.somewhere")
    assert log.name == "danqing.somewhere"
    assert log.handlers == []
    assert logging.getLogger("danqing").handlers == []
