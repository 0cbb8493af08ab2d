"""hatchet reads our call trees, with nothing lost."""

import threading

import fastprof
import pytest

hatchet = pytest.importorskip(
    "hatchet", reason="hatchet needs pandas below 3: runs on Python 3.10"
)


def leaf(number):
    return len(str(number))


def descend(depth):
    leaf(depth)
    if depth:
        descend(depth - 1)


def program():
    thread = threading.Thread(target=descend, args=(5,))
    thread.start()
    descend(40)
    thread.join()


def read(stats, folder):
    stats.save(folder / "out.hatchet.json")
    return hatchet.GraphFrame.from_json((folder / "out.hatchet.json").read_text())


@pytest.mark.parametrize("clock", ["wall", "both"])
def test_the_whole_tree_is_there(tmp_path, clock):
    with fastprof.Profiler(clock=clock) as profiler:
        program()
    stats = profiler.snapshot()
    graph = read(stats, tmp_path)
    nodes = list(stats.tree.walk())[1:]
    names = {"calls": "calls", "raised": "raised", "time": "own"}
    names["time (inc)"] = "cumulative"
    if clock == "both":
        names |= {"cpu": "own_cpu", "cpu (inc)": "cumulative_cpu"}
    assert {*graph.exc_metrics, *graph.inc_metrics} == {*names}
    assert len(graph.graph) == len(graph.dataframe) == len(nodes)
    for name, attribute in names.items():
        expected = sum(getattr(node, attribute) for node in nodes)
        assert graph.dataframe[name].sum() == pytest.approx(expected)


def test_hatchet_finds_paths_in_it(tmp_path):
    with fastprof.Profiler() as profiler:
        descend(40)
    stats = profiler.snapshot()
    graph = read(stats, tmp_path)
    leaves = graph.dataframe[graph.dataframe["name"] == "leaf"]
    assert len(leaves) == 41
    assert leaves["calls"].sum() == stats[leaf].calls == 41
    depths = sorted(len(node.path()) for node in leaves.index)
    assert depths == list(range(2, 43))
    small = graph.filter(lambda row: row["name"] == "leaf", squash=True)
    assert small.dataframe["calls"].sum() == 41
    assert "leaf" in graph.tree()
