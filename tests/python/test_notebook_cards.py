"""What notebooks show of a profile, as far as it needs no notebook."""

import json
import subprocess
import sys
from html.parser import HTMLParser

import fastprof
import pytest
from fastprof.formats import card, page

ODD = "</td><script>alert(1)</script>\"'&amp;\udc80"


class Parsed(HTMLParser):
    """The tags, the rows as texts of their cells, and the page in the frame."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.rows, self.frame = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag == "iframe":
            self.frame = dict(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


@pytest.fixture(autouse=True)
def small_page(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("<p title=\"'{}'\">/*data*/</p>")
    monkeypatch.setattr(page, "PAGE", str(path))
    return path


def functions_named(*names):
    """Each calls the next."""
    namespace = {"__name__": "program"}
    for name, callee in zip(names, (*names[1:], None), strict=True):
        body = "pass" if callee is None else f"{callee}()"
        code = compile(f"def {name}(): {body}", "program.py", "exec")
        exec(code, namespace)
    return namespace


def profiled(function):
    ticks = iter(range(1_000_000))
    with fastprof.Profiler(timer=lambda: next(ticks), timeunit=0.001) as profiler:
        function()
    return profiler


def test_the_hottest_functions_are_in_a_table_and_the_report_is_folded():
    profiler = profiled(functions_named("outer", "inner")["outer"])
    shown = Parsed(profiler._repr_html_())
    assert shown.rows == [
        ["calls", "own ms", "± ms", "%", "cumulative ms", "function"],
        ["1", "2.000", "0.000", "66.7", "3.000", "program:outer  program.py:1"],
        ["1", "1.000", "0.000", "33.3", "1.000", "program:inner  program.py:1"],
    ]
    assert shown.frame["sandbox"] == "allow-scripts"
    front, back = "<p title=\"'{}'\">", "</p>"
    srcdoc = shown.frame["srcdoc"]
    assert srcdoc.startswith(front) and srcdoc.endswith(back)
    data = json.loads(srcdoc[len(front) : -len(back)])
    assert data["functions"]["name"] == ["outer", "inner"]
    assert Parsed(profiler.snapshot()._repr_html_()).rows == shown.rows


def test_names_are_text():
    namespace = {"__name__": ODD}
    exec(compile("def function(): pass", "<i>file.py", "exec"), namespace)
    shown = Parsed(profiled(namespace["function"])._repr_html_())
    assert not {"script", "i"} & set(shown.tags)
    name = ODD.replace("\udc80", "\\udc80")
    assert shown.rows[1][-1] == f"{name}:function  <i>file.py:1"
    assert shown.frame["srcdoc"].count("\udc80") == 0


def test_a_profiler_that_records_goes_on():
    inner = functions_named("inner")["inner"]
    with fastprof.Profiler() as profiler:
        inner()
        first = profiler._repr_html_()
        inner()
    assert "program:inner" in first
    stats = profiler.snapshot()
    assert stats["program:inner"].calls == 2
    assert not [one for one in stats.functions if "card" in one.file]


def test_what_a_reader_must_know_is_said():
    stats = profiled(functions_named("a", "b", "c")["a"]).snapshot()
    stats.info["missing"] = ["<worker>"]
    text = stats._repr_html_()
    assert "Note: not in the profile, as they should be: &lt;worker&gt;." in text
    assert "3 calls, " in text and "Times are as recorded" in text


def test_it_is_marked_what_was_mostly_the_profilers(monkeypatch):
    stats = profiled(functions_named("outer", "inner")["outer"]).snapshot()
    monkeypatch.setattr(
        fastprof.Function, "mostly_overhead", property(lambda one: one.name == "outer")
    )
    rows = Parsed(stats._repr_html_()).rows
    assert [row[-1][:2] for row in rows[1:]] == ["* ", "pr"]
    assert "the profiler's" in stats._repr_html_()


def test_cpu_times_have_columns():
    with fastprof.Profiler(clock="both") as profiler:
        functions_named("inner")["inner"]()
    head = Parsed(profiler._repr_html_()).rows[0]
    assert head[-3:] == ["own CPU ms", "cumulative CPU ms", "function"]


def test_its_size_is_bounded(monkeypatch):
    names = [f"function_{number}" for number in range(40)]
    stats = profiled(functions_named(*names)[names[0]]).snapshot()
    shown = stats._repr_html_()
    assert len(Parsed(shown).rows) == 1 + card.MOST_ROWS
    assert f"{40 - card.MOST_ROWS} more functions" in shown
    monkeypatch.setattr(card, "MOST_PATHS", 39)
    assert "too large" in stats._repr_html_() and "iframe" not in stats._repr_html_()


def test_a_long_name_is_cut():
    name = "f" * 5000
    text = profiled(functions_named(name)[name])._repr_html_()
    assert len(Parsed(text).rows[1][-1]) < 200


def test_without_the_page_it_is_said_how_to_get_one(small_page):
    small_page.unlink()
    text = profiled(functions_named("inner")["inner"])._repr_html_()
    assert "program:inner" in text and "Node.js" in text and "iframe" not in text


def test_an_empty_profile_can_be_shown():
    assert len(Parsed(fastprof.Profiler()._repr_html_()).rows) == 1


def test_without_ipython_it_is_said_what_to_install():
    program = (
        "import sys; sys.modules['IPython'] = None\n"
        "import fastprof\n"
        "try: fastprof.load_ipython_extension(None)\n"
        "except fastprof.MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"pip install 'fastprof[notebook]'" in done.stdout
