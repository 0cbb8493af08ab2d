"""Files for other programs: what they say is what the profile says."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys

import fastprof
import pytest
from fastprof.formats import FORMATS


@pytest.fixture(autouse=True)
def page(tmp_path_factory, monkeypatch):
    """One for the HTML report, which needs Node.js to be made."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text("<script>/*data*/</script>")
    monkeypatch.setattr("fastprof.formats.page.PAGE", str(path))


def leaf():
    pass


def left():
    leaf()
    leaf()


def recursive(depth):
    left()
    if depth:
        recursive(depth - 1)


def program():
    left()
    len("")
    recursive(2)


@pytest.fixture(scope="module")
def stats():
    """A profile whose clock ticks once, a second, at each event."""
    seconds = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: float(next(seconds)))
    profiler.runcall(program)
    return profiler.snapshot()


def saved(stats, tmp_path, extension):
    path = tmp_path / f"out{extension}"
    stats.save(path)
    return path.read_bytes()


def label(node):
    return node.name if node.file == "~" else f"{node.module}:{node.qualname}"


def own_times(stats):
    """By the stack: the labels from the outermost to the innermost."""
    return {
        tuple(label(one) for one in node.path): node.own
        for node in stats.tree.walk()
        if node.own
    }


def test_each_format_is_chosen_by_its_extension(stats, tmp_path):
    seen = set()
    for name, extensions in FORMATS.items():
        for extension in extensions:
            content = saved(stats, tmp_path, extension)
            stats.save(tmp_path / "any", format=name)
            assert (tmp_path / "any").read_bytes() == content
            seen.add(content)
    assert len(seen) == len(FORMATS)


@pytest.mark.parametrize(
    ("path", "options"),
    [("out.svg", {}), ("out", {}), ("out.json", {"format": "svg"})],
)
def test_an_unknown_format_is_refused(stats, tmp_path, path, options):
    with pytest.raises(fastprof.UnknownFormatError, match="speedscope, collapsed"):
        stats.save(tmp_path / path, **options)
    assert list(tmp_path.iterdir()) == []


def test_collapsed(stats, tmp_path):
    text = saved(stats, tmp_path, ".collapsed").decode()
    found = {}
    for line in text.splitlines():
        stack, nanoseconds = re.fullmatch(r"(.+) (\d+)", line).groups()
        found[tuple(stack.split(";"))] = int(nanoseconds) / 1e9
    assert found == own_times(stats)


def test_collapsed_keeps_its_grammar_whatever_names_are(tmp_path):
    namespace = {"__name__": "odd;module\nname"}
    exec("def f(): g()\ndef g(): pass", namespace)
    with fastprof.Profiler() as profiler:
        namespace["f"]()
    text = saved(profiler.snapshot(), tmp_path, ".collapsed").decode()
    assert "odd:module name:f;odd:module name:g " in text
    assert all(re.fullmatch(r"[^\n]+ \d+", line) for line in text.splitlines())


def replayed(profile, frames):
    """Own time of each stack of an evented profile; checks its grammar."""
    assert (profile["type"], profile["unit"]) == ("evented", "nanoseconds")
    stack, found = [], {}
    now = profile["startValue"]
    for event in profile["events"]:
        assert event["at"] >= now
        if stack and event["at"] > now:
            names = tuple(frames[frame]["name"] for frame in stack)
            found[names] = found.get(names, 0) + (event["at"] - now) / 1e9
        now = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert stack == []
    assert now == profile["endValue"]
    return found


def test_speedscope(stats, tmp_path):
    document = json.loads(saved(stats, tmp_path, ".speedscope.json"))
    frames = document["shared"]["frames"]
    (profile,) = document["profiles"]
    assert replayed(profile, frames) == own_times(stats)
    places = {frame["name"]: (frame.get("file"), frame.get("line")) for frame in frames}
    assert places[f"{__name__}:leaf"] == (__file__, leaf.__code__.co_firstlineno)
    assert places["<built-in method builtins.len>"] == (None, None)


def test_speedscope_has_each_thread(tmp_path):
    import threading

    with fastprof.Profiler() as profiler:
        thread = threading.Thread(target=left)
        thread.start()
        thread.join()
    document = json.loads(saved(profiler.snapshot(), tmp_path, ".speedscope.json"))
    names = {profile["name"] for profile in document["profiles"]}
    assert names == {one.name for one in profiler.snapshot().threads}
    for profile in document["profiles"]:
        replayed(profile, document["shared"]["frames"])


def test_hatchet(stats, tmp_path):
    document = json.loads(saved(stats, tmp_path, ".hatchet.json"))
    (graph,) = document["graph"]
    rows = document["dataframe"]
    nodes = list(stats.tree.walk())[1:]
    figures = {one.path[-1]._at: (one.calls, one.own, one.cumulative) for one in nodes}
    columns = rows["node"], rows["calls"], rows["time"], rows["time (inc)"]
    for at, *row in zip(*columns, strict=True):
        assert tuple(row) == figures.pop(int(at))
    assert figures == {}
    for node in nodes:
        frame = graph[str(node._at)]
        assert frame["data"] == {"name": node.full_name, "type": "function"}
        assert frame["children"] == [child._at for child in node.children]


def test_callgrind(stats, tmp_path):
    text = saved(stats, tmp_path, ".callgrind").decode()
    names, own, calls = {}, {}, {}
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(("fn=", "cfn=")):
            kind, number, name = re.fullmatch(r"(c?fn)=\((\d+)\) (.+)", line).groups()
            assert names.setdefault(number, name) == name
            if kind == "fn":
                current = number
            else:
                callee = number
        elif line.startswith("calls="):
            count = int(re.fullmatch(r"calls=(\d+) \d+", line)[1])
            calls[names[current], names[callee]] = count, int(next(lines).split()[1])
        elif re.fullmatch(r"\d+ \d+", line):
            own[names[current]] = int(line.split()[1])
    expected = {one.qualname: round(one.own * 1e9) for one in stats.functions}
    assert own == expected
    assert calls["program", "left"] == (1, 5_000_000_000)
    assert calls["recursive", "left"] == (3, 15_000_000_000)
    summary = int(re.search(r"^summary: (\d+)$", text, re.M)[1])
    assert summary == sum(own.values())


def messages(content):
    """The fields of a protocol buffer: (number, value), bytes or an int."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(content):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            assert tag & 7 == 2
            size = varint()
            yield tag >> 3, content[at : at + size]
            at += size


def packed(content):
    """The numbers of a packed field."""
    return [value for _, value in messages(b"".join(_tagged(content)))]


def _tagged(content):
    number = b""
    for byte in content:
        number += bytes([byte])
        if byte < 0x80:
            yield b"\x08" + number
            number = b""


@pytest.mark.parametrize("clock", ["timer", "both"])
def test_pprof(stats, tmp_path, clock):
    if clock == "both":
        with fastprof.Profiler(clock="both") as profiler:
            program()
        stats = profiler.snapshot()
    fields = list(messages(gzip.decompress(saved(stats, tmp_path, ".pprof"))))
    strings = [value.decode() for number, value in fields if number == 6]
    assert strings[0] == ""
    types = [dict(messages(value)) for number, value in fields if number == 1]
    kinds = [(strings[one[1]], strings[one[2]]) for one in types]
    assert kinds[:2] == [("calls", "count"), ("time", "nanoseconds")]
    assert kinds[2:] == [("cpu", "nanoseconds")] * (clock == "both")
    functions = {}
    for number, value in fields:
        if number == 5:
            one = dict(messages(value))
            functions[one[1]] = strings[one[2]], strings[one[4]]
    locations = {}
    for number, value in fields:
        if number == 4:
            one = dict(messages(value))
            locations[one[1]] = functions[dict(messages(one[4]))[1]][0]
    found = {}
    for number, value in fields:
        if number == 2:
            sample = dict(messages(value))
            stack = tuple(locations[one] for one in reversed(packed(sample[1])))
            found[stack] = packed(sample[2])
    expected = {
        tuple(label(one) for one in node.path): node
        for node in stats.tree.walk()
        if node.path
    }
    assert found.keys() == expected.keys()
    for stack, node in expected.items():
        values = [node.calls, round(node.own * 1e9)]
        if clock == "both":
            values.append(round(node.own_cpu * 1e9))
        assert found[stack] == values
    assert (f"{__name__}:leaf", __file__) in functions.values()


def test_csv(stats, tmp_path):
    text = saved(stats, tmp_path, ".csv").decode()
    rows = {row["qualname"]: row for row in csv.DictReader(io.StringIO(text))}
    assert len(rows) == len(stats.functions)
    row = rows["left"]
    assert (row["file"], row["module"], row["kind"]) == (__file__, __name__, "python")
    assert (int(row["calls"]), float(row["own"])) == (4, stats[left].own)
    assert row["own_cpu"] == ""
    owns = [float(row["own"]) for row in rows.values()]
    assert owns == sorted(owns, reverse=True)


def test_json(stats, tmp_path):
    document = json.loads(saved(stats, tmp_path, ".json"))
    assert document["schema"] == "fastprof-1"
    assert document["info"]["measures"] == "custom"
    functions = {one["number"]: one for one in document["functions"]}
    (thread,) = document["threads"]
    tree = thread["tree"]
    found = {}
    stacks = {0: ()}
    for at in range(1, len(tree["parent"])):
        function = functions[tree["function"][at]]
        stacks[at] = (*stacks[tree["parent"][at]], function["name"])
        found[stacks[at]] = tree["calls"][at], tree["own"][at], tree["cumulative"][at]
    expected = {
        tuple(one.name for one in node.path): (node.calls, node.own, node.cumulative)
        for node in stats.tree.walk()
        if node.path
    }
    assert found == expected


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_profile_with_nothing_in_it_can_be_written(tmp_path, name):
    stats = fastprof.Profiler().snapshot()
    stats.save(tmp_path / "empty", format=name)
    assert (tmp_path / "empty").exists()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_names_that_are_no_utf_8(tmp_path, name):
    namespace = {"__name__": "m\udc80"}
    exec(compile("def f\u00e9(): pass", "odd\udc80.py", "exec"), namespace)
    with fastprof.Profiler() as profiler:
        namespace["f\u00e9"]()
    profiler.snapshot().save(tmp_path / "out", format=name)
    assert "f\u00e9".encode() in (tmp_path / "out").read_bytes() or name in (
        "pprof",  # compressed
        "hatchet",  # escaped
        "json",
        "speedscope",
        "html",
    )


def test_dump_stats_takes_the_extension_and_else_writes_prof(tmp_path):
    profiler = fastprof.Profile()
    profiler.runcall(program)
    for name in "out", "out.txt", "out.prof":
        profiler.dump_stats(tmp_path / name)
        assert fastprof.load(tmp_path / name)[leaf].calls == 8
    profiler.dump_stats(str(tmp_path / "out.csv").encode())
    assert (tmp_path / "out.csv").read_text().startswith("file,line")


def test_the_command_line_takes_the_extension(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def work(): len('')\nwork()\n")
    target = tmp_path / "out.collapsed"
    words = [sys.executable, "-m", "fastprof", "-o", str(target), str(script)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "__main__:work;<built-in method builtins.len> " in target.read_text()


def test_a_format_that_cannot_be_made_is_rescued_as_prof(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nsys.path.clear()\nsys.meta_path.clear()\nsys.path_hooks.clear()\n"
        "sys.modules.pop('json', None)\n"
    )
    target = tmp_path / "out.json"
    words = [sys.executable, "-m", "fastprof", "-o", str(target), str(script)]
    result = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert result.returncode == 1
    (rescued,) = tmp_path.glob("out-*.prof")
    assert str(rescued) in result.stderr
    assert not target.exists()
    assert (str(script), 1, "<module>") in fastprof.load(rescued).stats
