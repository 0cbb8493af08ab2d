"""What it costs to leave something out, and what is known of it then.

Real programs, each unprofiled, recorded whole and by each setting that leaves something
out, in fresh processes, interleaved: for what it costs beside a companion, and for what
is said then without. See README.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import geometric_mean, median

import measuring
import programs

HERE = Path(__file__).resolve().parent
CHILD = HERE / "bounded_child.py"
# A budget is a share of the time that passes, and this part of it is the program's.
WITHOUT_COMPANION = 0.75
OUTPUT = HERE / "BOUNDED.md"

PROGRAMS = (
    *("chaos", "deltablue", "go", "hexiom", "html5lib", "logging_format"),
    *("pickle_pure_python", "raytrace", "richards", "sqlglot_parse", "sympy_str"),
    *("mistune", "pygments", "yapf"),
)
BUDGETS = (0.02, 0.05, 0.1, 0.25)
FOCUS_SHARE = 0.1  # of the calls, at most
TOP = 20
FULL_RUNS = 4  # fewer may agree by chance, see certain_calls
ADDRESS = re.compile(" at 0x[0-9a-f]+")

UNPROFILED = "unprofiled"
FULL = "everything"
AGAIN = "everything, once more"  # how far two full profiles are apart
WITHOUT = "builtins=False"
SLOW = 'builtins="slow"'
FOCUS = "one file"
SETTINGS: dict[str, dict | None] = {
    UNPROFILED: None,
    FULL: {},
    WITHOUT: {"builtins": False},
    SLOW: {"builtins": "slow"},
    **{f"max_overhead={budget}": {"max_overhead": budget} for budget in BUDGETS},
}
# File, line, name; then calls, cumulative seconds, precision, calls in C.
Function = list


def run(name: str, scale: int, options: dict | None, *progress: str) -> dict:
    """One process; beside a companion, with the file of its progress."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "result.json")
        words = [CHILD, name, scale, json.dumps(options), target, *progress]
        measuring.output_of([sys.executable, *map(str, words)])
        return json.loads(target.read_text("utf-8"))


def file_in_focus(functions: Sequence[Function]) -> str | None:
    """The file with the most calls that has at most FOCUS_SHARE of them."""
    calls: dict[str, int] = {}
    for file, _, _, count, _, _, in_c in functions:
        if file != "~":
            calls[file] = calls.get(file, 0) + count + in_c
    most = FOCUS_SHARE * sum(calls.values())
    fitting = {file: count for file, count in calls.items() if count <= most}
    return max(fitting, key=lambda file: fitting[file], default=None)


def ranks(values: Sequence[float]) -> list[int]:
    """The place of each among all."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    places = [0] * len(values)
    for place, i in enumerate(order):
        places[i] = place
    return places


def calls_in_c(functions: Sequence[Function]) -> int:
    """How many were recorded."""
    return sum(function[3] for function in functions if function[0] == "~")


def name_of(function: Function) -> tuple:
    """What it is called, without an address in it."""
    file, line, name = function[:3]
    return file, line, ADDRESS.sub("", name)


def calls_by_name(functions: Sequence[Function]) -> dict[tuple, int]:
    """The calls of all of each name, but collections, which come as memory is used."""
    calls: dict[tuple, int] = {}
    for function in functions:
        if function[2] != "<gc>":
            name = name_of(function)
            calls[name] = calls.get(name, 0) + function[3]
    return calls


def certain_calls(profiles: Sequence[Sequence[Function]]) -> dict[tuple, int]:
    """The calls of the names in which all agree.

    Sets and caches by address make a program do other work in each process.
    """
    counts = [calls_by_name(profile) for profile in profiles]
    return {
        name: calls
        for name, calls in counts[0].items()
        if all(other.get(name) == calls for other in counts)
    }


def agreement(
    full: Sequence[Function], certain: dict[tuple, int], bounded: Sequence[Function]
) -> dict:
    """Of the TOP functions by cumulative time in the full profile.

    Returns:
        rank: Spearman's coefficient, off, most: the median and the largest deviation of
        the cumulative time, as a share of it, share: the median deviation of its share
        of the whole, which a slower host leaves as it is, wrong: functions that are
        said to be exact and have another number of calls, of those in which the full
        profiles agree, `certain`.
    """
    other = {tuple(f[:3]): f for f in bounded}
    top = sorted(full, key=lambda f: -f[4])[:TOP]
    pairs = [(f[4], other[tuple(f[:3])][4]) for f in top if tuple(f[:3]) in other]
    first, second = ranks([a for a, _ in pairs]), ranks([b for _, b in pairs])
    count = len(pairs)
    distance = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    off = [abs(b - a) / a for a, b in pairs]
    whole = max(f[4] for f in bounded) / max(f[4] for f in full)
    counted = calls_by_name(bounded)
    inexact = {name_of(f) for f in bounded if f[5] != "exact"}
    return {
        "rank": 1 - 6 * distance / (count**3 - count) if count > 2 else 1.0,
        "off": median(off),
        "most": max(off),
        "share": median(abs(b / whole - a) / a for a, b in pairs),
        "found": count,
        "wrong": sum(
            counted.get(name, count) != count
            for name, count in certain.items()
            if name not in inexact
        ),
        "exact": sum(f[5] == "exact" for f in bounded),
        "functions": len(bounded),
    }


def beside(options: dict | None) -> dict | None:
    """These for what a program's own time costs beside a companion."""
    if options is None or "max_overhead" not in options:
        return options
    budget = options["max_overhead"]
    share = budget / (1 + budget) * WITHOUT_COMPANION  # of the time that passes
    return {"max_overhead": share / (1 - share)}


def costs(
    name: str, scale: int, settings: dict[str, dict | None], rounds: int
) -> dict[str, list[dict]]:
    """What each setting takes, in units of a companion's work: the runs, in order."""
    had: dict[str, list[dict]] = {setting: [] for setting in settings}
    with measuring.companion_at_work() as progress:
        for _ in range(rounds):
            for setting, options in settings.items():
                result = run(name, scale, beside(options), progress)
                had[setting].append(result)
    return {s: sorted(runs, key=lambda r: r["units"]) for s, runs in had.items()}


def measure(name: str, scale: int, rounds: int) -> dict[str, object]:
    """All settings of one program: what they cost, and what they say."""
    settings = dict(SETTINGS)
    full = [run(name, scale, {}) for _ in range(FULL_RUNS)]
    file = file_in_focus(full[0]["functions"])
    if file is not None:
        settings[FOCUS] = {"include": [file]}
    runs = costs(name, scale, settings, rounds)
    units = {s: median(r["units"] for r in had) for s, had in runs.items()}
    certain = certain_calls([had["functions"] for had in full])
    said = {
        s: run(name, scale, options)
        for s, options in SETTINGS.items()
        if s == SLOW or s.startswith("max_overhead")
    }
    compared = {AGAIN: full[1], **said}
    return {
        "seconds": min(r["seconds"] for r in runs[UNPROFILED]),
        "c_calls": [calls_in_c(had["functions"]) for had in (said[SLOW], full[0])],
        "ratios": {s: units[s] / units[UNPROFILED] for s in units if s != UNPROFILED},
        "apart": median(
            had[-1]["units"] / had[0]["units"] - 1 for had in runs.values()
        ),
        "agreement": {
            s: agreement(full[0]["functions"], certain, result["functions"])
            for s, result in compared.items()
        },
    }


def page(results: dict[str, dict], rounds: int) -> Iterator[str]:
    """The lines of the page."""
    columns = [s for s in SETTINGS if s != UNPROFILED] + [FOCUS]
    yield "# What leaving something out costs, and what is known then"
    yield ""
    yield f"Python {sys.version.split()[0]}, {measuring.machine()['cpu']},"
    yield f"revision {measuring.revision()}. Fresh processes, interleaved, {rounds}"
    yield "rounds, beside a process that does known work on the same CPU: the median of"
    yield "CPU time over that of the work, as a multiple of the unprofiled program's. A"
    yield "quarter of the time that passes is the companion's, so of budgets, which are"
    yield f"shares of that, the profiler was given {WITHOUT_COMPANION}."
    yield ""
    yield "| program | seconds | " + " | ".join(columns) + " | apart |"
    yield "|---|---:|" + "---:|" * len(columns) + "---:|"
    for name, result in results.items():
        cells = [
            f"{result['ratios'][c]:.2f}" if c in result["ratios"] else "–"
            for c in columns
        ]
        cells.append(f"{100 * result['apart']:.1f} %" if rounds > 1 else "–")
        yield f"| {name} | {result['seconds']:.2f} | " + " | ".join(cells) + " |"
    means = [
        geometric_mean(
            [r["ratios"][c] for r in results.values() if c in r["ratios"]] or [1.0]
        )
        for c in columns
    ]
    yield "| geometric mean | | " + " | ".join(f"{m:.3f}" for m in means) + " | |"
    yield ""
    yield "Apart: how much the longest run of a setting took beyond the shortest, in"
    yield "the median of the settings."
    yield ""
    yield f"`{SLOW}` adds as many times what `{WITHOUT}` adds as:"
    yield (
        ", ".join(
            f"{name} {(r['ratios'][SLOW] - 1) / (r['ratios'][WITHOUT] - 1):.2f}"
            for name, r in results.items()
        )
        + "."
    )
    yield ""
    yield "Of the calls in C it recorded:"
    yield (
        ", ".join(
            f"{name} {100 * r['c_calls'][0] / r['c_calls'][1]:.1f} %"
            for name, r in results.items()
        )
        + "."
    )
    yield ""
    yield f"The {TOP} functions with the largest cumulative time in the full profile:"
    yield "rank correlation, deviation of their times (median, largest) and of their"
    yield "shares of the whole (median), how many are found, how many of all functions"
    yield "are said to be exact, and how many of these have another count of calls than"
    yield "all full profiles have."
    yield ""
    yield "| program | setting | rank | off | largest | share | found | exact | wrong |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, result in results.items():
        for setting, a in result["agreement"].items():
            yield (
                f"| {name} | {setting} | {a['rank']:.3f} | {100 * a['off']:.1f} % |"
                f" {100 * a['most']:.0f} % | {100 * a['share']:.1f} % | {a['found']} |"
                f" {a['exact']} of {a['functions']} | {a['wrong']} |"
            )


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", nargs="*", default=PROGRAMS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--factor", type=float, default=7.0, help="of the usual work")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    results = {}
    for name in options.programs:
        scale = max(1, round(programs.SCALES[name] * options.factor))
        results[name] = measure(name, scale, options.rounds)
        text = "\n".join(page(results, options.rounds)) + "\n"
        options.output.write_text(text, "utf-8")
        print(name, flush=True)
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
