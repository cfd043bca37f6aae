"""`danqing prefer` asks for scenes and for texts, as many as it is told."""

import json

import pytest

from danqing.cli.main import main
from danqing.core.download import EMBEDDED


def test_all_prompts_may_ask_for_texts(tmp_path, capsys):
    model = str(EMBEDDED["danqing-nano"])
    told = ["--prompts=3", "--candidates=2", "--texts=1", f"--model={model}"]
    main(["prefer", str(tmp_path / "pairs"), *told])
    file = tmp_path / "pairs" / "pairs.jsonl"
    assert capsys.readouterr().out == f"{file}\n"
    captions = [json.loads(line)["caption"] for line in file.read_text().splitlines()]
    assert len(captions) == 3
    assert all(set('"“”「」') & set(caption) for caption in captions)


def test_a_share_is_from_0_to_1(tmp_path):
    with pytest.raises(SystemExit, match=r"texts must be a share from 0 to 1, got 2"):
        main(["prefer", str(tmp_path), "--texts=2"])
