"""Which counts are exact, lower bounds or estimates: from the file to the model."""

import pickle

import fastprof
import pytest
from fastprof.profile_file import pack, unpack
from support import counted, marked


def leaf():
    pass


def folded():
    leaf()


def also_folded():
    folded()


def program():
    also_folded()
    folded()
    leaf()
    abs(1)


def precisions(stats):
    return {one.name: one.precision for one in stats.functions}


MARKS = {"folded": "estimate", "leaf": "lower_bound"}


@pytest.fixture
def inexact():
    return marked(counted(program), **MARKS)


def test_what_is_recorded_as_ever_is_exact():
    stats = counted(program)
    assert stats.is_exact
    assert set(precisions(stats).values()) == {"exact"}
    assert {edge.precision for edge in stats.callers(stats[leaf])} == {"exact"}
    assert {node.precision for node in stats.tree.walk()} == {"exact"}
    assert "precision" not in unpack(stats.to_bytes())


def test_marks_come_from_a_file_and_go_into_the_next_one(inexact, tmp_path):
    assert not inexact.is_exact
    wanted = dict.fromkeys(precisions(counted(program)), "exact") | MARKS
    assert precisions(inexact) == wanted
    inexact.save(tmp_path / "out.prof")
    assert precisions(fastprof.load(tmp_path / "out.prof")) == wanted
    assert precisions(pickle.loads(pickle.dumps(inexact))) == wanted
    assert precisions(inexact.raw) == wanted


def test_paths_are_as_precise_as_their_functions(inexact):
    for node in inexact.tree.walk():
        assert node.precision == MARKS.get(node.name, "exact")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda count: b"",
        lambda count: bytes(count - 1),
        lambda count: bytes(count + 1),
        lambda count: bytes(count - 1) + b"\3",
        lambda count: bytes(count - 1) + b"\377",
        lambda count: "\0" * count,
        lambda count: [0] * count,
        lambda count: None,
    ],
)
def test_marks_that_cannot_be_are_refused(wrong):
    details = unpack(counted(program).to_bytes())
    details["precision"] = bytes(len(details["functions"]))
    assert fastprof.Stats.from_bytes(pack({}, details)).is_exact
    details["precision"] = wrong(len(details["functions"]))
    with pytest.raises(fastprof.ProfileFileError, match="damaged"):
        fastprof.Stats.from_bytes(pack({}, details))


def test_a_repr_says_so(inexact):
    assert repr(inexact[folded]).startswith("<folded: about 2 calls, ")
    assert repr(inexact[leaf]).startswith("<leaf: at least 3 calls, ")
    assert repr(inexact[program]).startswith("<program: 1 calls, ")
    edge = next(
        e for e in inexact.callers(inexact[leaf]) if e.function.name == "folded"
    )
    assert repr(edge).startswith("<folded: about 2 calls, ")
    assert "leaf: at least 1 calls" in repr(inexact.tree.find("program", "leaf"))


def edge_precisions(edges):
    return {edge.function.name: edge.precision for edge in edges}


def test_an_edge_is_no_more_precise_than_its_ends(inexact):
    stats = marked(counted(program), leaf="lower_bound")
    assert edge_precisions(stats.callers(stats[leaf])) == dict.fromkeys(
        ["program", "folded"], "lower_bound"
    )
    assert edge_precisions(stats.callers(stats[folded])) == dict.fromkeys(
        ["program", "also_folded"], "exact"
    )
    assert edge_precisions(inexact.callees(inexact[folded])) == {"leaf": "estimate"}
    assert edge_precisions(inexact.callers(inexact[folded])) == dict.fromkeys(
        ["program", "also_folded"], "estimate"
    )


def test_an_edge_over_functions_that_are_not_exact_is_an_estimate():
    stats = marked(counted(program), folded="estimate")
    assert edge_precisions(stats.callees(stats[program])) == {
        "also_folded": "exact",
        "folded": "estimate",
        "leaf": "estimate",
        "<built-in method builtins.abs>": "exact",
    }


def test_an_edge_may_be_over_several_of_them():
    def top():
        also_folded()
        leaf()

    stats = marked(counted(top), folded="estimate", also_folded="estimate")
    assert edge_precisions(stats.callees(stats[top])) == {
        "also_folded": "estimate",
        "leaf": "estimate",
    }
    stats = marked(counted(top), also_folded="estimate")
    assert edge_precisions(stats.callees(stats[top])) == {
        "also_folded": "estimate",
        "leaf": "exact",
    }


def test_functions_that_call_each_other_are_gone_through_once():
    def down(depth):
        up(depth)

    def up(depth):
        leaf()
        if depth:
            down(depth - 1)

    stats = marked(counted(down, 3), down="estimate", up="estimate")
    assert edge_precisions(stats.callers(stats[leaf])) == {"up": "estimate"}


@pytest.mark.parametrize("swapped", [False, True])
def test_a_sum_is_as_precise_as_its_least_precise_part(swapped):
    parts = [
        marked(counted(program), folded="estimate", leaf="lower_bound"),
        marked(counted(program), folded="lower_bound"),
    ]
    total = fastprof.Stats.merge(parts[::-1] if swapped else parts)
    assert precisions(total) == precisions(parts[0])
    assert not total.is_exact
    again = fastprof.Stats.from_bytes(total.to_bytes())
    assert precisions(again) == precisions(total)
    assert (counted(program) + counted(program)).is_exact


def test_functions_of_one_name_are_as_precise_as_the_least_precise():
    source = "def same(): pass\n"

    def top():
        for file in ("one.py", "other.py"):
            names = {"__name__": "both"}
            exec(compile(source, file, "exec"), names)
            names["same"]()

    stats = counted(top)
    details = unpack(stats.to_bytes())
    details["precision"] = bytes(
        2 * (one[0] == "other.py") for one in details["functions"]
    )
    stats = fastprof.Stats.from_bytes(pack(stats.stats, details))
    same = stats["both:same"]
    assert [part.precision for part in same.parts] == ["exact", "estimate"]
    assert same.precision == "estimate"
