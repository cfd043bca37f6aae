import torch

from danqing.core.seed import derive, generator


def test_a_generator_repeats_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first = torch.randn(4, generator=generator(7))
    assert torch.equal(first, torch.randn(4, generator=generator(7)))
    assert not torch.equal(first, torch.randn(4, generator=generator(8)))
    assert torch.equal(before, torch.get_rng_state())


def test_children_of_a_seed_are_fixed_for_ever():
    # A golden: pictures and splits that exist depend on it.
    assert derive(0) == 5254295370254170289
    assert derive(0, "split") == 5861598955000012809
    assert derive(7, "sample", 3) == 406799388854781211


def test_children_differ_by_seed_name_and_order():
    children = [
        derive(0, "a", "b"),
        derive(0, "b", "a"),
        derive(0, "ab"),
        derive(0, "a"),
        derive(1, "a", "b"),
    ]
    assert len(set(children)) == len(children)
    assert all(0 <= child < 2**63 for child in children)


def test_a_number_and_its_text_are_the_same_name():
    assert derive(0, 7) == derive(0, "7")
