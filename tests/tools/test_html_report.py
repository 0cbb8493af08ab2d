"""The HTML report in a browser: what a reader sees, and what keys and clicks do."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import fastprof
import pytest
from marking import marked

HERE = Path(__file__).parent
VIEWERS = Path(os.environ.get("FASTPROF_VIEWERS", HERE.parents[1] / "build/viewers"))

ODD = "</script><img src=x onerror=alert(1)>&amp;'\"\u2028\udc80é"
PROGRAM = """
def leaf():
    pass

def caller(times):
    for _ in range(times):
        leaf()

def deep(depth):
    if depth:
        deep(depth - 1)
    else:
        odd()

def main():
    caller(30)
    leaf()
    deep(60)
"""
CHANGED = """
def leaf():
    pass

def caller(times):
    for _ in range(times):
        leaf()

def added():
    leaf()

def main():
    caller(10)
    added()
"""


def module(source, path, name="program", **names):
    path.write_text(source)
    namespace = {"__name__": name, **names}
    exec(compile(source, str(path), "exec"), namespace)
    return namespace


def profile_of(function, *others):
    """Of a clock that ticks once, a millisecond, at each event."""
    ticks = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: next(ticks), timeunit=0.001)
    with profiler:
        function()
        for other in others:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
    return profiler.snapshot()


def observed(report, *scenarios):
    node, browser = shutil.which("node"), shutil.which("chromium")
    missing = [
        name for name, path in (("node", node), ("chromium", browser)) if not path
    ]
    if missing or not (VIEWERS / "node_modules/playwright-core").exists():
        pytest.skip("needs Node.js, Chromium, playwright-core: runs in make test-tools")
    result = subprocess.run(
        [node, HERE / "html_report.mjs", VIEWERS, browser, report, *scenarios],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_page_says_whose_work_is_in_it():
    page = Path(fastprof.__file__).parent / "assets/report.html"
    text = page.read_text("utf-8")
    assert "Apache License" in text and "d3-flame-graph 5" in text
    assert "Mike Bostock" in text


def test_an_sdist_carries_the_page_and_its_source(tmp_path):
    words = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir"]
    result = subprocess.run(
        [*words, tmp_path, HERE.parents[1]], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    (sdist,) = tmp_path.glob("fastprof-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"python/fastprof/assets/report.html", "web/src/main.js"} <= names
    assert not [name for name in names if "node_modules" in name]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def main(folder):
    odd = module("def odd(): pass", folder / "odd.py", ODD)["odd"]
    return module(PROGRAM, folder / "program.py", odd=odd)["main"]


@pytest.fixture(scope="module")
def seen(folder, main):
    """What each scenario has seen of a small profile."""
    leaf = main.__globals__["leaf"]
    profile_of(main, lambda: leaf()).save(folder / "small.html")
    return observed(
        folder / "small.html",
        *("opens", "searches", "zooms", "zoomsWhereTheGraphWasScrolled", "sorts"),
        *("inverts", "turns", "choosesThreads", "changesTheme", "usesTheKeyboardOnly"),
        *("showsDetails", "showsTips", "isNarrow"),
    )


def named(frames, name):
    return [frame for frame in frames if frame["name"] == name]


def one(frames, name):
    (frame,) = named(frames, name)
    return frame


def test_it_opens_with_graph_table_and_head(seen):
    """And asks for nothing else, or the scenario would have failed."""
    opens = seen["opens"]
    assert opens["title"].endswith(" – fastprof")
    labels = {frame["name"]: frame["label"] for frame in opens["frames"]}
    assert labels["program:caller"] == "caller – program"
    assert "Times are as recorded" in opens["head"]
    frames = opens["frames"]
    assert one(frames, "all")["width"] == max(frame["width"] for frame in frames)
    main, caller = one(frames, "program:main"), one(frames, "program:caller")
    assert main["level"] + 1 == caller["level"]
    # main takes 31 ticks of 61 with caller, whose 30 calls of leaf take 1 each.
    leaf = max(frame["width"] for frame in named(frames, "program:leaf"))
    assert leaf / caller["width"] == pytest.approx(30 / 61, abs=0.02)
    # One colour for a module.
    fills = {frame["name"]: frame["fill"] for frame in frames}
    assert fills["program:main"] == fills["program:caller"] == fills["program:leaf"]
    assert fills["program:main"] not in (fills[f"{ODD}:odd"], fills["all"])
    rows = {row[0]: row for row in opens["rows"]}
    assert rows["program:caller"][1:7] == [
        "1",
        "1",
        "31.000",
        *rows["program:caller"][4:7],
    ]
    assert "program" in opens["legend"] and "C functions" in opens["legend"]


def test_names_that_look_like_markup_are_text(seen):
    assert f"{ODD}:odd" in [row[0] for row in seen["opens"]["rows"]]
    frame = one(seen["opens"]["frames"], f"{ODD}:odd")
    assert frame["said"].startswith(f"{ODD}:odd, ")
    assert f"{ODD} " in seen["opens"]["legend"].replace("\n", " ")


def test_search_colours_frames_and_filters_the_table(seen):
    searches = seen["searches"]
    assert [row[0] for row in searches["rows"]] == ["program:leaf"]
    assert searches["matches"].startswith("1 function, ")
    colours = {frame["name"]: frame["fill"] for frame in searches["after"]}
    before = {frame["name"]: frame["fill"] for frame in searches["before"]}
    assert colours["program:leaf"] not in (
        colours["program:main"],
        before["program:leaf"],
    )
    assert searches["cleared"] == searches["before"]
    assert len(searches["left"]) == len(seen["opens"]["rows"])


def test_a_click_zooms_and_shows_the_function(seen):
    zooms = seen["zooms"]
    whole = one(zooms["zoomed"], "all")
    assert one(zooms["zoomed"], "program:caller")["width"] == pytest.approx(
        whole["width"], abs=1
    )
    assert whole["isFaded"] and not named(zooms["zoomed"], "program:deep")
    assert zooms["details"] == "program:caller"
    assert zooms["reset"] == seen["opens"]["frames"]


def test_a_click_meets_what_it_was_aimed_at(seen):
    """Where the graph is scrolled, taking the focus scrolled it back."""
    scrolled = seen["zoomsWhereTheGraphWasScrolled"]
    assert int(scrolled["aimed"]) > 20
    assert scrolled["zoomed"]["name"] == "program:deep"
    # Of the frames above only the nearest are drawn, and the root.
    assert scrolled["zoomed"]["level"] == 14


def test_the_table_is_sorted_by_clicks_and_keys(seen):
    first, by_calls, turned, by_name = seen["sorts"]
    assert first[:2] == ["own ms", "descending"]
    assert by_calls[:2] == ["calls", "descending"]
    assert set(by_calls[2][:2]) == {"program:leaf", "program:deep"}
    assert turned[:2] == ["calls", "ascending"]
    assert turned[2][-1] == by_calls[2][0]
    assert by_name[:2] == ["function", "ascending"]
    names = [name for name in by_name[2] if name.startswith("program:")]
    assert names == sorted(names)


def test_inverted_each_function_has_its_callers(seen):
    inverts = seen["inverts"]
    leaf = next(
        f for f in inverts["all"] if f["name"] == "program:leaf" and f["level"] == 2
    )
    below = [
        frame
        for frame in inverts["all"]
        if frame["level"] == 3
        and leaf["x"] - 1 < frame["x"] < leaf["x"] + leaf["width"] - 1
    ]
    assert [frame["name"] for frame in below][:1] == ["program:caller"]
    assert "own, called by it: 30.0 ms" in below[0]["said"]
    assert {frame["name"] for frame in below} >= {"program:caller", "program:main"}
    top = inverts["one"][0]
    assert (top["name"], top["level"]) == ("program:leaf", 1)
    assert "program:leaf" in inverts["only"]
    assert inverts["callees"][0]["name"] == "program:leaf"
    assert not named(inverts["callees"], "program:caller")
    assert same_graph(inverts["reset"], seen["opens"]["frames"])


def same_graph(one, other):
    """But for how far the page has been scrolled."""
    keys = "name", "x", "width", "fill", "level"
    return [[frame[key] for key in keys] for frame in one] == [
        [frame[key] for key in keys] for frame in other
    ]


def test_flame_graph_and_icicle(seen):
    for turn, sign in ("icicle", 1), ("flame", -1):
        frames = seen["turns"][turn]
        assert sign * (one(frames, "program:main")["y"] - one(frames, "all")["y"]) > 0


def test_one_thread_alone(seen):
    threads = seen["choosesThreads"]
    assert threads["options"][:2] == ["all threads, merged", "MainThread"]
    # Other tests may have left threads of other packages.
    assert len([name for name in threads["options"] if "<lambda>" in name]) == 1
    assert named(threads["frames"], "program:leaf")
    assert not named(threads["frames"], "program:main")


def test_light_and_dark(seen):
    light, dark, chosen, kept = seen["changesTheme"]
    assert light["ground"] == "rgb(255, 255, 255)" and dark["ground"] != light["ground"]
    assert light["fill"] != dark["fill"]
    assert chosen == light and kept == light


def test_the_keyboard_alone_does_everything(seen):
    keys = seen["usesTheKeyboardOnly"]
    assert keys["isHelpOpen"] and keys["isHelpClosed"]
    # Below the root stand main and the other thread; below main, the longest first.
    assert keys["second"].startswith("program:deep")
    assert keys["right"].startswith("program:caller")
    assert keys["up"].startswith("program:main")
    assert one(keys["zoomed"], "program:main")["isFaded"]
    assert keys["active"] == "program:deep"
    assert not one(keys["out"], "program:main")["isFaded"]
    assert keys["reset"] == seen["opens"]["frames"]
    rows = [row[0] for row in seen["opens"]["rows"]]
    assert [keys["row"], keys["next"], keys["details"]] == [rows[0], rows[1], rows[1]]


def test_a_function_has_callers_callees_and_source(seen):
    details = seen["showsDetails"]
    callers, callees = details["tables"]
    assert [row[0::3] for row in callers] == [["1", "program:main"]]
    assert [row[0::3] for row in callees] == [["30", "program:leaf"]]
    assert callees[0][1:3] == ["30.0 ms", "30.0 ms"]
    assert details["source"] == [
        [5, "def caller(times):\n"],
        [6, "    for _ in range(times):\n"],
        [7, "        leaf()\n"],
    ]
    assert "31.0 ms" in details["figures"]
    assert details["next"] == "program:leaf"


def test_a_frame_says_what_it_is(seen):
    name, place, cumulative, own, calls = seen["showsTips"]
    assert name == "program:leaf" and place.endswith("program.py:2")
    assert cumulative.startswith("cumulative: 30.0 ms (")
    assert (own, calls) == ("own: 30.0 ms", "calls: 30")


def test_a_narrow_window(seen):
    assert seen["isNarrow"]["width"] <= 480
    assert 380 < seen["isNarrow"]["widest"] < 480


def test_both_clocks_errors_and_marks_are_columns(folder, main):
    with fastprof.Profiler(clock="both", max_nodes=40) as profiler:
        for _ in range(2000):
            main()
    stats = profiler.snapshot()
    stats.save(folder / "both.html")
    opens = observed(folder / "both.html", "opens")["opens"]
    heads = [head for head, _ in opens["heads"]]
    assert {"± ms", "own CPU ms", "cumulative CPU ms"} <= set(heads)
    assert "that the profiler added (+-" in opens["head"]
    assert "Note: more paths than max_nodes" in opens["head"]
    marked = {one.full_name for one in stats.functions if one.mostly_overhead}
    rows = [row[0] for row in opens["rows"]]
    assert {name[1:] for name in rows if name.startswith("*")} == marked
    assert ("most of the own time" in opens["marks"]) == bool(marked)


def test_calls_that_are_not_exact_are_marked_and_explained(folder, main):
    stats = marked(profile_of(main), leaf=1, caller=2)
    stats.save(folder / "marked.html")
    found = observed(folder / "marked.html", "opens", "showsTips", "showsDetails")
    opens = found["opens"]
    rows = {row[0]: row[1:3] for row in opens["rows"]}
    assert rows["program:leaf"] == ["≥ 31", "≥ 31"]
    assert rows["program:caller"] == ["~ 1", "~ 1"]
    assert rows["program:main"] == ["1", "1"]
    assert "Functions with calls that are not exact: 2 (" in opens["head"]
    bound = "≥ before a number of calls: at least so many; "
    assert bound in opens["marks"]
    assert "~ before a number of calls: an estimate; " in opens["marks"]
    calls, meaning = found["showsTips"][-2:]
    assert calls == "calls: ≥ 30" and meaning.startswith(bound)
    details = found["showsDetails"]
    assert "~ 1" in details["figures"] and "an estimate; " in details["figures"]
    callers, callees = details["tables"]
    assert (callers[0][0], callees[0][0]) == ("~ 1", "~ 30")


def test_a_difference_marks_each_side(folder, main):
    before, after = (marked(profile_of(main), leaf=mark) for mark in (1, 2))
    fastprof.diff(before, after).save(folder / "marked-diff.html")
    opens = observed(folder / "marked-diff.html", "opens", "showsTips")
    heads = [head for head, _ in opens["opens"]["heads"]]
    rows = {
        row[0]: dict(zip(heads, row, strict=True)) for row in opens["opens"]["rows"]
    }
    leaf = next(row for name, row in rows.items() if name.endswith("program:leaf"))
    assert [leaf[f"calls {word}"] for word in ("before", "after")] == ["≥ 31", "~ 31"]
    assert opens["showsTips"][-2] == "calls: ~ 30"


def hue(frame):
    red, _, blue = (int(part) for part in frame["fill"][4:-1].split(","))
    return "red" if red > blue + 40 else "blue" if blue > red + 40 else "grey"


def test_a_difference_is_red_and_blue(folder, main):
    after = profile_of(module(CHANGED, folder / "changed.py")["main"])
    before = profile_of(main)
    fastprof.diff(before, after).save(folder / "diff.html")
    found = observed(folder / "diff.html", "opens", "showsTips", "inverts")
    opens = found["opens"]
    assert hue(one(opens["frames"], "program:added")) == "red"
    assert hue(one(opens["frames"], "program:caller")) == "blue"
    assert {hue(one) for one in named(opens["frames"], "program:deep")} == {"blue"}
    assert "less than before" in opens["legend"]
    heads = [head for head, _ in opens["heads"]]
    rows = {row[0]: dict(zip(heads, row, strict=True)) for row in opens["rows"]}
    leaf = rows["program:leaf"]
    assert [leaf[f"calls {word}"] for word in ("before", "after")] == ["31", "11"]
    assert (leaf["± calls"], leaf["± own ms"]) == ("-20", "-20.000")
    assert (leaf["by calls"], leaf["by time"]) == ("-20.000", "0.000")
    assert found["showsTips"][2].startswith("cumulative: 30.0 ms → 10.0 ms, −20.0 ms (")
    assert found["showsTips"][-1] == "calls: 30 → 10, -20"


def test_without_a_call_tree_there_is_the_table(folder, main):
    import cProfile

    profiler = cProfile.Profile()
    profiler.runcall(main)
    profiler.dump_stats(folder / "c.prof")
    fastprof.load(folder / "c.prof").save(folder / "pairs.html")
    opens = observed(folder / "pairs.html", "opens")["opens"]
    assert not opens["isGraphShown"]
    assert "callers are known, paths are not" in opens["head"]
    assert any("leaf" in row[0] and row[1] == "31" for row in opens["rows"])


def many_paths():
    """Functions that call each other at random, so that there are 100,000 paths."""
    source = "".join(
        f"def work_{number}(depth):\n"
        "    for _ in range(choice((1, 2, 3)) if depth else 0):\n"
        "        choice(functions)(depth - 1)\n"
        for number in range(300)
    )
    dice = random.Random(1)
    namespace = {"__name__": "many", "choice": dice.choice}
    exec(source, namespace)
    functions = [namespace[f"work_{number}"] for number in range(300)]
    namespace["functions"] = functions
    with fastprof.Profiler(builtins=False) as profiler:
        for _ in range(20):
            functions[0](13)
    stats = profiler.snapshot()
    assert len(stats.tree.columns.parent) > 100_000
    return stats


def test_a_large_tree_is_folded_and_says_so(folder):
    many_paths().save(folder / "large.html")
    seen = observed(folder / "large.html", "walksALargeTree")["walksALargeTree"]
    whole, inverted, zoomed, searched, more = seen
    for view in seen:
        assert view["frames"] == view["rects"] < 2100
        assert "too small to see" in view["folded"]
    assert whole["frames"] > 100 and inverted["frames"] > 100
    # Below the frame that was zoomed to, paths are there that were folded before.
    assert zoomed["folded"].startswith("Zoomed to ")
    assert folded(zoomed) < folded(whole)
    assert searched["matches"].startswith("111 functions")
    assert (whole["rows"], searched["rows"], more["rows"]) == (100, 100, 111)


def folded(view):
    return int(re.search("olded: ([0-9,]+)", view["folded"])[1].replace(",", ""))
