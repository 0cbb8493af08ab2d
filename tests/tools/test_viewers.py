"""Files that we write, opened by the programs that they are for."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fastprof
import pytest
from marking import marked

HERE = Path(__file__).parent
VIEWERS = Path(os.environ.get("FASTPROF_VIEWERS", HERE.parents[1] / "build/viewers"))
SPEEDSCOPE = VIEWERS / "node_modules/speedscope/dist/release/index.html"
BIN = Path(sys.executable).parent


def leaf():
    pass


def caller(times):
    for _ in range(times):
        leaf()


def program():
    caller(30)
    sorted([3, 1, 2])


@pytest.fixture(scope="module")
def stats():
    """A profile whose clock ticks once, a millisecond, at each event."""
    ticks = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: next(ticks), timeunit=0.001)
    profiler.runcall(program)
    return profiler.snapshot()


@pytest.fixture
def saved(stats, tmp_path):
    def save(extension):
        path = tmp_path / f"out{extension}"
        stats.save(path)
        return path

    return save


def output_of(*command, **options):
    result = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def needs(program):
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: runs in `make test-tools`")
    return path


def test_speedscope(saved, tmp_path):
    node, browser = needs("node"), needs("chromium")
    if not SPEEDSCOPE.exists():
        pytest.skip("speedscope is not installed: runs in `make test-tools`")
    found = json.loads(
        output_of(
            node,
            HERE / "speedscope.mjs",
            SPEEDSCOPE,
            saved(".speedscope.json"),
            tmp_path / "profile.js",
            browser,
        )
    )
    assert found["errors"] == []
    rows = [row.split() for row in found["rows"]]
    by_name = {row[-1]: row for row in rows}
    # Total and own time of each, and the shares of all of it.
    assert by_name[f"{__name__}:leaf"][0] == by_name[f"{__name__}:leaf"][2] == "30.00ms"
    assert by_name[f"{__name__}:caller"][0::2][:2] == ["61.00ms", "31.00ms"]
    assert any("sorted" in row[-1] for row in rows if row)


def test_callgrind_annotate(saved):
    text = output_of(needs("callgrind_annotate"), saved(".callgrind"))
    own = dict(re.findall(r"^ *([\d,]+) \([ \d.]+%\)  \S*:(\S+)", text, re.M))
    figures = {name: int(number.replace(",", "")) for number, name in own.items()}
    assert figures["leaf"] == 30_000_000
    assert figures["caller"] == 31_000_000
    options = "--tree=caller", "--inclusive=yes"
    tree = output_of("callgrind_annotate", *options, saved(".callgrind"))
    assert re.search(r"30,000,000 .*\n *30,000,000 |:caller \(30x\)", tree, re.M)


def test_pprof(saved):
    go = needs("go")
    text = output_of(go, "tool", "pprof", "-top", "-unit=ms", saved(".pprof"))
    rows = {line.split()[-1]: line.split() for line in text.splitlines() if "%" in line}
    assert rows[f"{__name__}:leaf"][0] == "30ms"
    assert rows[f"{__name__}:caller"][0::3][:2] == ["31ms", "61ms"]
    assert "<built-in method builtins.sorted>" in text
    calls = output_of(
        go, "tool", "pprof", "-top", "-sample_index=calls", saved(".pprof")
    )
    assert re.search(rf"^ +30 .* {__name__}:leaf$", calls, re.M)


def test_what_is_not_exact_is_noted_where_there_is_a_place(stats, tmp_path):
    inexact = marked(stats, leaf=2)
    inexact.save(tmp_path / "out.pprof")
    inexact.save(tmp_path / "out.callgrind")
    note = "Functions with calls that are not exact: 1 (lower bounds: 0, estimates: 1;"
    go = needs("go")
    assert note in output_of(go, "tool", "pprof", "-comments", tmp_path / "out.pprof")
    annotated = output_of(needs("callgrind_annotate"), tmp_path / "out.callgrind")
    assert f"Note: {note}" in annotated


def test_gprof2dot(saved):
    dot = output_of(BIN / "gprof2dot", "-f", "pstats", "-n0", "-e0", saved(".prof"))
    assert re.search(r"leaf\\n.*\\n30×", dot)


def test_flameprof(saved):
    svg = output_of(sys.executable, "-m", "flameprof", saved(".prof"))
    assert "leaf" in svg and svg.rstrip().endswith("</svg>")


def test_pyprof2calltree(saved, tmp_path):
    output = tmp_path / "converted"
    output_of(BIN / "pyprof2calltree", "-i", saved(".prof"), "-o", output)
    assert "calls=30" in output.read_text()


def test_tuna(saved):
    from tuna.main import read

    assert "::leaf" in json.dumps(read(str(saved(".prof"))))


def test_snakeviz_shows_true_paths_of_an_exact_tree(tmp_path):
    """`leaf` takes long below one caller, and no time below the other."""
    import pstats

    from snakeviz.stats import json_stats

    ticks = iter(range(1_000_000))
    profiler = fastprof.Profiler(timer=lambda: next(ticks), timeunit=0.001)
    profiler.runcall(lambda: (caller(30), leaf()))
    profiler.save(tmp_path / "out.prof", tree="exact")
    nodes = json_stats(pstats.Stats(str(tmp_path / "out.prof")))
    totals = {name.rpartition("(")[2]: node["stats"][3] for name, node in nodes.items()}
    assert totals["leaf)"] == pytest.approx(0.030)
    assert totals["leaf #2)"] == pytest.approx(0.001)


def test_snakeviz(saved):
    import pstats

    from snakeviz.stats import json_stats, table_rows

    stats = pstats.Stats(str(saved(".prof")))
    rows = {row[6]: row for row in table_rows(stats)}
    (leaf_row,) = [row for name, row in rows.items() if "(leaf)" in name]
    assert leaf_row[0][1] == 30
    assert "(leaf)" in json.dumps(json_stats(stats))


def test_pandas(stats):
    pytest.importorskip("pandas", reason="pandas: make test-tools has it")
    frame = stats.to_pandas().set_index("qualname")
    assert frame.loc["leaf", "calls"] == 30
    assert frame["own"].sum() == pytest.approx(stats.tree.cumulative)
    assert len(frame) == len(stats.functions)
