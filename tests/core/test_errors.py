from danqing.core import errors
from danqing.core.errors import DanqingError, unknown


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    drawn = {line.split()[1] for line in (errors.__doc__ or "").splitlines() if "──" in line}
    made = {error.__name__ for error in DanqingError.__subclasses__()}
    assert drawn == made
    assert issubclass(DanqingError, ValueError)


def test_a_name_far_from_all_known_ones_gets_no_guess():
    assert unknown("verb", "xyz", ["train", "info"]) == "unknown verb 'xyz'. Known: info, train."
