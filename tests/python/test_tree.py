"""The calling-context tree, looked into from Python."""

import json
import sys
import threading

import fastprof
import pytest
from support import counted, run_isolated


def leaf():
    pass


def left():
    leaf()
    leaf()


def right():
    leaf()


def program():
    left()
    right()
    left()


def recursive(depth):
    if depth:
        recursive(depth - 1)


def test_each_path_has_its_own_figures():
    root = counted(program).tree
    assert (root.name, root.calls, root.parent, root.path) == ("<root>", 0, None, [])
    node = root.find("program")
    assert (node.calls, node.own, node.cumulative) == (1, 4.0, 17.0)
    found = {
        child.qualname: (child.calls, child.own, child.cumulative)
        for child in node.children
    }
    assert found == {"left": (2, 6.0, 10.0), "right": (1, 2.0, 3.0)}
    assert [child.name for child in node.children] == ["left", "right"]
    in_left, in_right = (
        root.find("program", name, "leaf") for name in ("left", "right")
    )
    assert (in_left.calls, in_left.cumulative) == (4, 4.0)
    assert (in_right.calls, in_right.cumulative) == (1, 1.0)
    assert [one.name for one in in_right.path] == ["program", "right", "leaf"]
    assert in_right.parent == root.find("program", "right")
    assert in_right != in_left
    assert len({in_right, in_left, root.find("program", "right", "leaf")}) == 2


def test_a_node_says_which_function_it_is():
    node = counted(program).tree.find("program", "left")
    code = left.__code__
    assert node.key == (code.co_filename, code.co_firstlineno, "left")
    assert (node.file, node.line, node.name) == node.key
    assert (node.qualname, node.module, node.kind) == ("left", __name__, "python")
    assert repr(node) == "<left: 2 calls, 6.000000 s own, 10.000000 s cumulative>"
    c_function = counted(lambda: len("")).tree.find(
        "test_a_node_says_which_function_it_is.<locals>.<lambda>"
        if sys.version_info >= (3, 11)
        else "<lambda>",
        "<built-in method builtins.len>",
    )
    assert (c_function.file, c_function.line, c_function.kind) == ("~", 0, "builtin")


def test_recursion_is_a_path_for_each_depth():
    root = counted(recursive, 3).tree
    names = [node.name for node in root.walk()]
    assert names == ["<root>"] + 4 * ["recursive"]
    assert root.find(*4 * ["recursive"]).cumulative == 1.0
    assert root.cumulative == 7.0


def test_walk_goes_through_all_paths_parents_first():
    root = counted(program).tree
    seen = []
    for node in root.walk():
        assert node.parent is None or node.parent in seen
        seen.append(node)
    assert [node.name for node in seen] == [
        *("<root>", "program", "left", "leaf", "right", "leaf"),
    ]
    assert sum(node.own for node in seen) == root.cumulative


def test_what_is_not_there_is_told():
    root = counted(program).tree
    with pytest.raises(
        KeyError, match="program did not call 'wrong'; it called left, right"
    ):
        root.find("program", "wrong")
    with pytest.raises(KeyError, match="leaf did not call 'leaf'; it called nothing"):
        root.find("program", "left", "leaf", "leaf")


def test_a_path_is_found_behind_a_sibling_with_the_same_name():
    def other():
        left()
        left()

    other.__code__ = other.__code__.replace(
        **{
            field: getattr(program.__code__, field)
            for field in ("co_name", "co_qualname")
            if hasattr(program.__code__, field)
        }
    )
    root = counted(lambda: (other(), program())).tree
    (both,) = root.children
    assert [node.name for node in both.children] == ["program", "program"]
    found = both.find("program", "right", "leaf")
    assert (found.name, found.calls) == ("leaf", 1)
    assert both.find("program", "left") == both.children[0].find("left")
    with pytest.raises(KeyError, match="program did not call 'wrong'; it called left"):
        both.find("program", "wrong")


def test_the_profilers_own_calls_are_in_no_path():
    def looks():
        profiler.snapshot()
        leaf()

    profiler = fastprof.Profiler()
    with profiler:
        looks()
    names = {node.name for node in profiler.snapshot().tree.walk()}
    assert names == {"<root>", "looks", "leaf"}


def test_threads_have_trees_of_their_own():
    def work():
        leaf()
        over.wait()

    over = threading.Event()
    with fastprof.Profiler() as profiler:
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        leaf()
        threads = profiler.snapshot().threads
        assert [one.name for one in threads] == ["MainThread", "worker"]
        over.set()
        thread.join()
    main, other = profiler.snapshot().threads
    assert main.ident == threading.get_ident()
    assert other.name == "worker"  # it has ended
    assert main.tree.find("leaf").calls == 1
    (found,) = [node for node in other.tree.walk() if node.name == "leaf"]
    assert found.parent.name == "work"
    merged = profiler.snapshot().tree
    assert sum(node.calls for node in merged.walk() if node.name == "leaf") == 2
    assert merged.cumulative == pytest.approx(
        main.tree.cumulative + other.tree.cumulative
    )


def test_a_thread_that_has_ended_has_not_the_name_of_another():
    """The system gives its ident to one that starts later."""
    over, started = threading.Event(), threading.Event()

    def waits():
        started.set()
        over.wait()

    with fastprof.Profiler() as profiler:
        for number in range(5):
            early = threading.Thread(target=leaf, name=f"early {number}")
            early.start()
            early.join()
        late = threading.Thread(target=waits, name="late")
        late.start()
        started.wait()
        names = [one.name for one in profiler.snapshot().threads]
        over.set()
        late.join()
    assert sorted(names) == ["MainThread", *(f"early {n}" for n in range(5)), "late"]


@pytest.mark.parametrize("thing", ["object()", "Slim()", "Odd()"])
def test_threads_may_be_anything_to_the_program(thing):
    run_isolated(
        f"""
import fastprof, threading

class Slim:
    __slots__ = ()

class Odd:
    __dict__ = property(lambda self: 1 / 0)

threading._active[7] = {thing}
with fastprof.Profiler() as profiler:
    len("")
assert profiler.snapshot().threads[0].name == "MainThread"
del threading._active[7]
"""
    )


def test_same_paths_of_two_threads_are_one():
    def work():
        leaf()

    with fastprof.Profiler() as profiler:
        for _ in range(2):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    stats = profiler.snapshot()
    (found,) = [node for node in stats.tree.walk() if node.name == "leaf"]
    assert found.calls == 2
    assert len(stats.threads) == 3


def test_the_tree_adds_up_to_the_functions():
    with fastprof.Profiler() as profiler:
        json.loads(json.dumps({str(number): [number] * 3 for number in range(100)}))
        program()
    for stats in profiler.snapshot(), profiler.snapshot().raw:
        own, calls = {}, {}
        for node in stats.tree.walk():
            own[node.key] = own.get(node.key, 0.0) + node.own
            calls[node.key] = calls.get(node.key, 0) + node.calls
            below = sum(child.cumulative for child in node.children)
            assert node.cumulative == pytest.approx(node.own + below)
        for function in stats.functions:
            assert own[function.key] == pytest.approx(function.own)
            assert calls[function.key] == function.calls


def test_a_loaded_profile_has_the_same_tree(tmp_path):
    with fastprof.Profiler(clock="both") as profiler:
        program()
    profiler.save(tmp_path / "out.prof")
    was, now = profiler.snapshot(), fastprof.load(tmp_path / "out.prof")
    fields = "qualname", "calls", "own", "cumulative_cpu", "own_error"
    for one, other in zip(was.tree.walk(), now.tree.walk(), strict=True):
        for field in fields:
            assert getattr(one, field) == getattr(other, field)
    assert [thread.ident for thread in now.threads] == [t.ident for t in was.threads]


def test_cpu_times_are_there_when_they_were_recorded():
    with fastprof.Profiler() as profiler:
        leaf()
    node = profiler.snapshot().tree.find("leaf")
    assert (node.own_cpu, node.cumulative_cpu) == (None, None)
    with fastprof.Profiler(clock="both") as profiler:
        leaf()
    node = profiler.snapshot().tree.find("leaf")
    assert 0.0 <= node.own_cpu <= node.own


@pytest.mark.parametrize(
    "what",
    [left, left.__code__, f"{__name__}:left", "a key of pstats"],
    ids=["function", "code", "name", "key"],
)
def test_a_function_is_looked_up(what):
    if what == "a key of pstats":
        what = left.__code__.co_filename, left.__code__.co_firstlineno, "left"
    function = counted(program)[what]
    assert (function.calls, function.own, function.cumulative) == (2, 6.0, 10.0)
    assert function.parts == [function]


def test_c_functions_are_looked_up():
    items = []
    with fastprof.Profiler() as profiler:
        len(items)
        items.append(1)
        "a".upper()
    stats = profiler.snapshot()
    for what in (
        len,
        "<built-in method builtins.len>",
        items.append,
        list.append,
        str.upper,
    ):
        assert stats[what].calls == 1, what


def test_a_method_is_looked_up_bound_or_not():
    class Thing:
        def method(self):
            pass

    stats = counted(Thing().method)
    assert stats[Thing.method].calls == stats[Thing().method].calls == 1


def test_code_objects_of_one_name_have_a_sum():
    def make():
        namespace = {"__name__": "made"}
        exec(compile("def same(): pass", f"file{len(made)}.py", "exec"), namespace)
        made.append(namespace["same"])

    def calls():
        for function in made:
            function()

    made = []
    make()
    make()
    stats = counted(calls)
    function = stats["made:same"]
    assert (function.calls, function.own) == (2, 2.0)
    assert [part.file for part in function.parts] == ["file0.py", "file1.py"]
    (edge, _) = stats.callers(function)
    assert edge.function.name == "calls"


def test_what_was_not_called_has_no_figures():
    stats = counted(program)
    with pytest.raises(KeyError, match=f"do you mean '{__name__}:right'"):
        stats[f"{__name__}:rigth"]
    with pytest.raises(KeyError, match="was not called"):
        stats[recursive]
    with pytest.raises(KeyError, match="was not called"):
        stats[3]


def test_callers_and_callees():
    stats = counted(program)
    callers = stats.callers(stats[leaf])
    assert [(one.function.name, one.calls, one.own) for one in callers] == [
        *(("left", 4, 4.0), ("right", 1, 1.0)),
    ]
    callees = stats.callees(stats[program])
    assert [(one.function.name, one.calls, one.cumulative) for one in callees] == [
        *(("left", 2, 10.0), ("right", 1, 3.0)),
    ]
    assert stats.callees(stats[leaf]) == []
    assert repr(callers[1]) == "<right: 1 calls, 0 raised, 1.000000 s cumulative>"


def test_a_caller_knows_how_often_it_was_raised_to():
    def fails(number):
        if number % 3:
            len(number)

    def careless():
        for number in range(9):
            try:
                fails(number)
            except TypeError:
                pass

    def careful():
        fails(0)

    def both():
        careless()
        careful()

    stats = counted(both)
    (length,) = stats.select(pattern="builtins.len")
    (edge,) = stats.callers(length)
    assert (edge.function.name, edge.calls, edge.raised) == ("fails", 6, 6)
    raised = {edge.function.name: edge.raised for edge in stats.callers(stats[fails])}
    # 3.12 tells a profile function of an exception as of a return of None.
    assert raised == {"careless": 6, "careful": 0}


def test_recursive_calls_by_one_caller():
    edge = counted(recursive, 3).callers(counted(recursive, 3)[recursive])[0]
    assert (edge.calls, edge.primitive_calls) == (3, 1)


def names(functions):
    return [function.name for function in functions]


def test_functions_are_selected():
    with fastprof.Profiler() as profiler:
        program()
        json.dumps({"a": [1, 2]}, indent=1)
        len("")
    stats = profiler.snapshot()
    assert set(names(stats.select(module=__name__))) == {
        "program",
        "left",
        "right",
        "leaf",
    }
    in_json = stats.select(module="json")
    assert {one.module for one in in_json} >= {"json", "json.encoder"}
    assert stats.select(module="jso") == []
    assert set(names(stats.select(file="*/test_tree.py"))) == {
        *("program", "left", "right", "leaf"),
    }
    assert names(stats.select(pattern=":le(af|ft)$", module=__name__)) in (
        ["leaf", "left"],
        ["left", "leaf"],
    )
    assert "<built-in method builtins.len>" in names(stats.select(kind="builtin"))
    half = counted(program).select(least=0.3)
    assert names(half) == ["left"]
    owns = [one.own for one in stats.select()]
    assert owns == sorted(owns, reverse=True)
    assert len(owns) == len(stats.functions)


def test_functions_are_grouped():
    with fastprof.Profiler() as profiler:
        program()
        json.dumps({"a": [1, 2]}, indent=1)
    stats = profiler.snapshot()
    groups = stats.group("package")
    assert set(names(groups[__name__])) == {"program", "left", "right", "leaf"}
    assert {one.module for one in groups["json"]} >= {"json", "json.encoder"}
    assert "json.encoder" in stats.group("module")
    assert __file__ in stats.group("file")
    assert set(stats.group("kind")) >= {"python"}
    for by in "module", "package", "file", "kind":
        grouped = stats.group(by)
        assert sum(map(len, grouped.values())) == len(stats.functions)
        owns = [sum(one.own for one in functions) for functions in grouped.values()]
        assert owns == sorted(owns, reverse=True)
    with pytest.raises(
        ValueError, match="by must be one of module, package, file, kind"
    ):
        stats.group("line")


def test_pstats_of_it():
    stats = counted(program)
    assert stats.to_pstats().stats == stats.stats


def test_pandas_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        fastprof.MissingExtraError, match=r"pip install 'fastprof\[pandas\]'"
    ):
        counted(program).to_pandas()
    assert issubclass(fastprof.MissingExtraError, ImportError)
