"""A profile file is read by pstats and by fastprof, or refused with its name."""

import cProfile
import marshal
import pstats
import sys
from pathlib import Path

import fastprof
import pytest
from fastprof._core import checksum
from fastprof.profile_file import FORMAT_VERSION, pack
from fastprof.stats import FLAGS

TRAILER_SIZE = 40


def leaf():
    return len("abc")


def middle(times):
    for _ in range(times):
        leaf()


def program():
    middle(3)
    leaf()


@pytest.fixture
def profile():
    with fastprof.Profile() as recorded:
        program()
    return recorded


@pytest.fixture
def path(profile, tmp_path):
    target = tmp_path / "out.prof"
    profile.save(target)
    return target


def test_pstats_reads_the_first_part(profile, path):
    profile.create_stats()
    assert pstats.Stats(str(path)).stats == profile.stats


def test_the_first_part_is_what_cprofile_writes(profile, path):
    """One marshal object at the very beginning, of plain types and float times."""
    with path.open("rb") as file:
        flat = marshal.load(file)
    cprofile = cProfile.Profile()
    cprofile.runcall(program)
    cprofile.create_stats()
    assert flat.keys() == {key for key in cprofile.stats if "disable" not in key[2]}


def test_the_second_part_is_loaded(profile, path):
    loaded = fastprof.load(path)
    fresh = profile.snapshot()
    assert loaded.stats == fresh.stats
    assert loaded.complete and not loaded.truncated and loaded.warnings == []
    different = {key for key in fresh.info if fresh.info[key] != loaded.info.get(key)}
    assert different <= {"date"}


def test_a_loaded_profile_is_saved_again(path, tmp_path):
    again = tmp_path / "again.prof"
    loaded = fastprof.load(path)
    loaded.save(again)
    assert fastprof.load(again).stats == loaded.stats
    assert fastprof.load(again).info == loaded.info


def test_run_information_says_how_it_was_recorded(path):
    info = fastprof.load(path).info
    assert info["fastprof"] == fastprof.__version__
    assert info["python"] == ".".join(map(str, sys.version_info[:3]))
    assert info["command"] == sys.argv
    assert info["clock"] in {"tsc", "cntvct", "monotonic"}
    assert [paths for _, paths, *_ in info["threads"]] == [6]


def test_paths_beyond_the_budget_are_marked_in_the_file(tmp_path):
    profile = fastprof.Profile(max_nodes=2)
    profile.runcall(program)
    profile.save(tmp_path / "out.prof")
    loaded = fastprof.load(tmp_path / "out.prof")
    assert loaded.truncated
    assert [w for w in loaded.warnings if "max_nodes" in w] == loaded.warnings != []
    assert loaded.stats == profile.snapshot().stats


def test_without_subcalls_neither_part_has_callers(tmp_path):
    profile = fastprof.Profile(subcalls=False)
    profile.runcall(program)
    profile.save(tmp_path / "out.prof")
    for stats in (
        pstats.Stats(str(tmp_path / "out.prof")).stats,
        fastprof.load(tmp_path / "out.prof").stats,
    ):
        assert stats and not any(entry[4] for entry in stats.values())


def test_pstats_takes_a_loaded_profile_twice(path):
    loaded = fastprof.load(path)
    first, second = pstats.Stats(loaded), pstats.Stats(loaded)
    assert first.stats == second.stats == pstats.Stats(str(path)).stats


def test_the_file_is_no_text(path):
    """Tuna takes a file whose beginning is valid UTF-8 for an import log."""
    with pytest.raises(UnicodeDecodeError):
        path.read_bytes()[:8192].decode("utf-8")


def test_a_profile_with_threads_comes_back(tmp_path):
    import threading

    with fastprof.Profiler() as profiler:
        threads = [threading.Thread(target=middle, args=(5,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    profiler.save(tmp_path / "out.prof")
    loaded = fastprof.load(tmp_path / "out.prof")
    assert len(loaded.info["threads"]) == 4
    code = middle.__code__
    key = (code.co_filename, code.co_firstlineno, "middle")
    assert loaded.stats[key][:2] == (3, 3)


def damaged(data, how):
    """The content of a profile file, damaged in one of many ways."""
    position = how % len(data)
    return data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :]


def test_any_damage_is_noticed(path):
    whole = path.read_bytes()
    for how in range(0, len(whole), 7):
        path.write_bytes(damaged(whole, how))
        with pytest.raises(fastprof.ProfileFileError, match=path.name):
            fastprof.load(path)


def test_a_file_that_is_cut_off_is_refused(path):
    whole = path.read_bytes()
    for size in (0, 1, TRAILER_SIZE, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(fastprof.ProfileFileError, match="no profile"):
            fastprof.load(path)


def test_a_later_format_is_refused_by_its_number(path):
    whole = path.read_bytes()
    at = len(whole) - TRAILER_SIZE + 8
    path.write_bytes(whole[:at] + (99).to_bytes(8, "little") + whole[at + 8 :])
    with pytest.raises(fastprof.ProfileFileError, match="format 99"):
        fastprof.load(path)


GOOD = {
    "info": {
        **dict.fromkeys(FLAGS, False),
        "calibration": {"pace": 1.0},
        "measures": "wall",
        "clock": "tsc",
        "fastprof": "0",
        "command": [],
        "threads": [],
    },
    "functions": (("f", 1, "n", "q", None, 0),),
    "trees": b"\0",
    "seconds_per_tick": 1.0,
    "costs": None,
}
COSTS = (1.0,) * 33
ONE_THREAD = b"\1\1\0\0\1\0\0"
SUM = {"compensated": True, "profiles": 2, "taken": [(0.0, 0.0)]}


def test_the_good_parts_are_good(tmp_path):
    for costs in None, COSTS:
        target = tmp_path / "good.prof"
        target.write_bytes(pack({}, {**GOOD, "costs": costs}))
        stats = fastprof.load(target)
        assert stats.stats == {} and stats.functions == []
        assert stats.compensated is (costs is not None)
    info = {
        **GOOD["info"],
        "merged": SUM,
        "threads": [(1, 0, None, None, None)],
    }
    target.write_bytes(pack({}, {**GOOD, "info": info, "trees": ONE_THREAD}))
    assert fastprof.load(target).compensated


@pytest.mark.parametrize(
    "wrong",
    [
        {"info": {}},
        {"info": None},
        {"info": {**GOOD["info"], "calibration": None}, "costs": COSTS},
        {"info": {**GOOD["info"], "calibration": {"pace": "1"}}, "costs": COSTS},
        {"info": {**GOOD["info"], "command": None}},
        {"info": {**GOOD["info"], "command": [1]}},
        {"info": {**GOOD["info"], "fastprof": 1}},
        {"info": {**GOOD["info"], "measures": []}},
        {"info": {**GOOD["info"], "threads": [(1, 0, None, None, None)]}},
        {"info": {**GOOD["info"], "threads": [(1, 0)]}, "trees": ONE_THREAD},
        {
            "info": {**GOOD["info"], "threads": [(1, 0, 3, None, None)]},
            "trees": ONE_THREAD,
        },
        {"info": {**GOOD["info"], "merged": None}},
        {"info": {**GOOD["info"], "merged": {**SUM, "compensated": 1}}},
        {"info": {**GOOD["info"], "merged": {**SUM, "profiles": "2"}}},
        {"info": {**GOOD["info"], "merged": {**SUM, "taken": []}}},
        {"info": {**GOOD["info"], "merged": {**SUM, "taken": [(0.0,)]}}},
        {"info": {**GOOD["info"], "merged": {**SUM, "taken": [("0", 0.0)]}}},
        {"info": {**GOOD["info"], "merged": {**SUM, "taken": {(0.0, 0.0): 1}}}},
        {"info": {**GOOD["info"], "merged": {**SUM, "taken": {(0.0, 0.0)}}}},
        {"info": {**GOOD["info"], "calibration": 5}},
        {"info": {**GOOD["info"], "calibration": {}}},
        {"info": {**GOOD["info"], "subcalls": []}},
        {"info": {**GOOD["info"], "negative_intervals": 10**5000}},
        {"info": {**GOOD["info"], (1, 2): 3}},
        {"info": {**GOOD["info"], "more": b""}},
        {"info": {**GOOD["info"], "more": [[[[[[[]]]]]]]}},
        {"functions": (("f", -5, "n", "q", None, 0),)},
        {"functions": (("f", 2**31, "n", "q", None, 0),)},
        {"functions": (("f", True, "n", "q", None, 0),)},
        {"seconds_per_tick": 1e305},
        {"seconds_per_tick": 1e-300},
        {"functions": None},
        {"functions": [("f", 1, "n", "q", None, 0)]},
        {"functions": (["f", 1, "n", "q", None, 0],)},
        {"functions": (("f", 1, "n", "q"),)},
        {"functions": ((1, 1, "n", "q", None, 0),)},
        {"functions": (("f", 1, "n", "q", None, -1),)},
        {"functions": (("f", 1, "n", "q", None, 6),)},
        {"functions": (("f", 1, "n", "q", None, 2.0),)},
        {"functions": (("f", 1, "n", "q", None, 10**30),)},
        {"trees": None},
        {"trees": b"\1\1\1\1"},
        {"trees": "text"},
        {"seconds_per_tick": None},
        {"seconds_per_tick": float("nan")},
        {"seconds_per_tick": -1.0},
        {"paces": b"1"},
        {"paces": (0,)},
        {"costs": ()},
        {"costs": list(COSTS)},
        {"costs": (*COSTS[1:], 1)},
        {"costs": (*COSTS[1:], float("nan"))},
        {"costs": (*COSTS[1:], 1e13)},
    ],
)
def test_a_second_part_of_another_shape_is_refused(tmp_path, wrong):
    """The checksum is right, so it was written like that; still nothing is trusted."""
    target = tmp_path / "odd.prof"
    target.write_bytes(pack({}, {**GOOD, **wrong}))
    with pytest.raises(fastprof.ProfileFileError, match=r"odd\.prof: damaged"):
        fastprof.load(target)


@pytest.mark.parametrize("details", [[], {}, {**GOOD, "costs": ...}])
def test_a_second_part_without_its_parts_is_refused(tmp_path, details):
    if details:
        del details["costs"]
    target = tmp_path / "odd.prof"
    target.write_bytes(pack({}, details))
    with pytest.raises(fastprof.ProfileFileError, match=r"odd\.prof: damaged"):
        fastprof.load(target)


@pytest.mark.parametrize(
    "second",
    [
        b"c" + bytes(100),  # a code object of nothing
        b"[\xff\xff\xff\x7f",  # a list of two thousand million
        b"\xdb\x01\0\0\0r\0\0\0\0",  # a list that is in itself
    ],
)
def test_a_second_part_that_marshal_cannot_read_is_refused(tmp_path, second):
    first = marshal.dumps({})
    content = first + second
    numbers = FORMAT_VERSION, len(first), len(second), checksum(content)
    trailer = b"".join(number.to_bytes(8, "little") for number in numbers)
    (tmp_path / "odd.prof").write_bytes(content + b"fastprof" + trailer)
    with pytest.raises(fastprof.ProfileFileError, match="damaged"):
        fastprof.load(tmp_path / "odd.prof")


def test_calls_between_functions_without_calls_are_left_out(tmp_path):
    """Such a file could be read, but no report of it written."""
    one_pair = ONE_THREAD[:-1] + b"\1\0\0\1" + bytes(9)
    info = {
        **GOOD["info"],
        "subcalls": True,
        "threads": [(1, 0, None, None, None)],
    }
    target = tmp_path / "odd.prof"
    target.write_bytes(pack({}, {**GOOD, "info": info, "trees": one_pair}))
    stats = fastprof.load(target)
    stats.create_stats()
    assert stats.stats == {} and stats.functions == []


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        fastprof.load(tmp_path / "missing.prof")


def test_an_unknown_format_is_refused_and_nothing_written(profile, tmp_path):
    with pytest.raises(fastprof.UnknownFormatError, match="xyz"):
        profile.save(tmp_path / "out.xyz")
    with pytest.raises(fastprof.UnknownFormatError, match="xyz"):
        profile.save(tmp_path / "out.prof", format="xyz")
    assert list(tmp_path.iterdir()) == []


def test_the_format_may_be_named(profile, tmp_path):
    profile.save(tmp_path / "out.xyz", format="prof")
    assert fastprof.load(tmp_path / "out.xyz").stats == profile.snapshot().stats


def test_dump_stats_writes_whatever_the_extension(profile, tmp_path):
    profile.dump_stats(str(tmp_path / "out.xyz"))
    assert fastprof.load(tmp_path / "out.xyz").stats == profile.snapshot().stats


def test_a_path_that_cannot_be_written_loses_nothing(profile, tmp_path):
    missing = tmp_path / "missing" / "out.prof"
    with pytest.raises(FileNotFoundError):
        profile.dump_stats(missing)
    profile.dump_stats(tmp_path / "out.prof")
    assert fastprof.load(tmp_path / "out.prof").stats == profile.snapshot().stats


def test_errors_are_those_that_a_caller_would_catch():
    for error in (
        fastprof.ProfileFileError,
        fastprof.ProfilerConflictError,
        fastprof.UnknownFormatError,
    ):
        assert issubclass(error, fastprof.FastprofError)
        assert issubclass(error, ValueError)
    assert issubclass(fastprof.FastprofError, Exception)


def test_names_that_are_not_ascii_come_back(tmp_path):
    source = "def größe():\n    return 1\ngröße()\n"
    profile = fastprof.Profile()
    profile.runctx(compile(source, "größe.py", "exec"), {}, {})
    profile.save(tmp_path / "größe.prof")
    loaded = fastprof.load(Path(tmp_path, "größe.prof"))
    assert ("größe.py", 1, "größe") in loaded.stats
