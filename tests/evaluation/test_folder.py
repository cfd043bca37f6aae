"""What a benchmark's own folder says."""

import pytest

from danqing.core.errors import SourceError
from danqing.evaluation.folder import document, find, quoted

SCRIPT = '''
"""Not this one."""
RULES = "Be strict.\\n"

def message(record):
    raise SystemExit("it was run")
    return f"""Judge {record['Prompt']} by {record["Why"]}{1 + 1}."""
'''


def test_one_file_of_a_name_is_found_at_any_depth(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.json").write_text('{"k": 1}')
    assert document(tmp_path, "x.json") == {"k": 1}
    assert find(tmp_path, "b/x.json") == find(tmp_path, "x.json")
    (tmp_path / "a" / "x.json").write_text("{")
    with pytest.raises(SourceError, match=r"must have one x.json in it, got 2 in"):
        find(tmp_path, "x.json")
    with pytest.raises(SourceError, match=r"must have one y.json in it, got 0 in"):
        find(tmp_path, "y.json")
    # What lies in the folder itself is meant.
    assert find(tmp_path / "a", "x.json") == tmp_path / "a" / "x.json"
    with pytest.raises(SourceError, match=r"x\.json must be JSON, got another in .*; get it"):
        document(tmp_path / "a", "x.json")
    (tmp_path / "a" / "x.json").write_bytes(b"\xff")
    with pytest.raises(SourceError, match=r"x\.json must be a text in UTF-8, got .*a/x\.json"):
        document(tmp_path / "a", "x.json")


def test_a_script_is_read_and_not_run(tmp_path):
    (tmp_path / "judge.py").write_text(SCRIPT)
    assert quoted(tmp_path, "judge.py", "strict") == "Be strict.\n"
    assert quoted(tmp_path, "judge.py", "{Why}") == "Judge {Prompt} by {Why}."
    with pytest.raises(SourceError, match="must have a text with 'lenient', got none"):
        quoted(tmp_path, "judge.py", "lenient")
    (tmp_path / "judge.py").write_text("def (")
    with pytest.raises(SourceError, match="must be a Python script, got"):
        quoted(tmp_path, "judge.py", "strict")
