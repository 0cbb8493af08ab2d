"""The magics in real notebooks, run by a kernel, and looked at in a browser."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import fastprof
import nbclient
import nbformat
import pytest
from nbconvert import HTMLExporter

HERE = Path(__file__).parent
VIEWERS = Path(os.environ.get("FASTPROF_VIEWERS", HERE.parents[1] / "build/viewers"))

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PROGRAM = """\
import asyncio, fastprof, json, threading
def leaf():
    pass
def work(times=3):
    for _ in range(times):
        leaf()
def fails():
    leaf()
    raise ValueError("<b>wrong</b>")
async def waits():
    await asyncio.sleep(0.01)
    leaf()
    return 1
class Value:
    def __repr__(self):
        leaf()
        return "a value"
def calls():
    "Of the functions above, and of whatever IPython has in the profile."
    found = {one.name: one.calls for one in _fastprof.select(module="__main__")}
    ours = {f"{one.module}" for one in _fastprof.functions}
    found["foreign"] = sorted(one for one in ours if "ipy" in one.lower())
    print(json.dumps(found))
"""


def run(folder, *cells, allow_errors=True):
    """The outputs of the cells, a list each, and the notebook."""
    sources = "%load_ext fastprof", PROGRAM, *cells
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    client = nbclient.NotebookClient(
        notebook,
        timeout=120,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return [cell.outputs for cell in notebook.cells[2:]], notebook


def kinds(outputs):
    return [output.output_type for output in outputs]


def calls(outputs):
    (output,) = outputs
    return json.loads(output.text)


def trace(output):
    return COLOURS.sub("", "\n".join(output.traceback))


def test_a_cell_is_run_as_ever_and_its_report_is_shown(tmp_path):
    (cell, counts, hidden), _ = run(
        tmp_path,
        "%%fastprof -o out.prof -s ncalls\nwork()\nx = 6 * 7\nx",
        "calls()",
        "'_fastprof_step' in globals(), x",
    )
    assert kinds(cell) == ["execute_result", "display_data"]
    assert cell[0].data["text/plain"] == "42"
    assert "Ordered by: call count" in cell[1].data["text/plain"]
    assert "<iframe" in cell[1].data["text/html"]
    found = calls(counts)
    assert (found["work"], found["leaf"], found["foreign"]) == (1, 3, [])
    # Each statement is a module of its own, as IPython compiles them.
    stats = fastprof.load(tmp_path / "out.prof")
    exec_, statement = "<built-in method builtins.exec>", "<module>"
    assert stats.tree.find(exec_, statement, "work", "leaf").calls == 3
    assert [node.name for node in stats.tree.children] == [exec_]
    assert hidden[0].data["text/plain"] == "(False, 42)"


def test_a_cell_may_await(tmp_path):
    """And what it awaits goes on without frames of the kernel around it."""
    (cell, counts), _ = run(
        tmp_path,
        "%%fastprof --clock both\n"
        "await waits()\n"
        "values = await asyncio.gather(waits(), waits())\n"
        "values",
        "calls()",
    )
    assert cell[0].data["text/plain"] == "[1, 1]"
    assert "own_cpu" in cell[1].data["text/plain"]
    found = calls(counts)
    assert (found["waits"], found["leaf"], found["foreign"]) == (3, 3, [])


def test_an_error_is_shown_without_our_frames_and_the_profile_after_it(tmp_path):
    (cell, counts, awaited), _ = run(
        tmp_path,
        "%%fastprof\nwork()\nfails()\nwork()",
        "calls()",
        "%%fastprof\nawait waits()\nawait asyncio.sleep(0, fails())",
    )
    for outputs in cell, awaited:
        assert kinds(outputs) == ["error", "display_data"]
        assert outputs[0].evalue == "<b>wrong</b>"
        text = trace(outputs[0])
        assert len(re.findall(r"^Cell ", text, re.MULTILINE)) == 2
        assert "notebook.py" not in text and "profiler.py" not in text
        assert "<fastprof>" not in text and "hidden" not in text
    found = calls(counts)
    assert (found["work"], found["leaf"], found["fails"]) == (1, 4, 1)


def test_run_all_ends_at_an_error(tmp_path):
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="wrong"):
        run(tmp_path, "%%fastprof\nfails()", "work()", allow_errors=False)


def test_the_line_magic_shows_and_is_the_profile(tmp_path):
    (line, quiet, failing, counts), _ = run(
        tmp_path,
        "%fastprof -s tottime work(times=2); work( 1 )",
        "profile = %fastprof -q -r work()\n"
        "print(profile['__main__:leaf'].calls, profile is _fastprof)",
        "%fastprof fails()",
        "calls()",
    )
    assert kinds(line) == ["display_data"]
    assert "Ordered by: internal time" in line[0].data["text/plain"]
    assert quiet[0].text == "3 True\n"
    assert kinds(failing) == ["display_data", "error"]
    assert calls(counts)["fails"] == 1


def test_what_cannot_be_is_said_in_a_line_and_nothing_runs(tmp_path):
    (clock, argument, nothing, folder, count, defined), _ = run(
        tmp_path,
        "%%fastprof --clock nix\nran = 1",
        "%%fastprof work()\nran = 1",
        "%fastprof -s tottime",
        "%%fastprof -o no/such/folder.prof\nran = 1",
        "%%fastprof --max-nodes 0\nran = 1",
        "'ran' in globals()",
    )
    said = {"clock": clock, "work()": argument, "statement is missing": nothing}
    said.update({"directory does not exist": folder, "max_nodes": count})
    for word, (output,) in said.items():
        assert output.name == "stderr"
        assert re.fullmatch(rf"UsageError: .*{re.escape(word)}.*\n", output.text)
    assert defined[0].data["text/plain"] == "False"


def test_cells_in_a_cell_belong_to_it(tmp_path):
    (_, counts, called, later), _ = run(
        tmp_path,
        "%%fastprof\nget_ipython().run_cell('work()')\n%time work()\nwork()",
        "calls()",
        "get_ipython().run_cell_magic('fastprof', '-q', 'work()')\ncalls()",
        "work()\ncalls()",
    )
    assert calls(counts)["work"] == 3
    assert calls(called)["work"] == calls(later)["work"] == 1


def test_showing_a_value_is_not_in_the_profile(tmp_path):
    (cell, counts), _ = run(
        tmp_path, "%%fastprof -q\nvalue = Value()\nvalue", "calls()"
    )
    assert cell[0].data["text/plain"] == "a value"
    assert "leaf" not in calls(counts)


def test_other_threads_are_recorded_when_asked_for(tmp_path):
    thread = "t = threading.Thread(target=work); t.start(); t.join()"
    (_, one, _, every), _ = run(
        tmp_path,
        f"%%fastprof -q\n{thread}",
        "calls()",
        f"%%fastprof -q --threads all\n{thread}",
        "calls()",
    )
    assert "work" not in calls(one) and calls(every)["work"] == 1


def test_without_the_page_there_is_a_table(tmp_path):
    (_, cell), _ = run(
        tmp_path,
        "import fastprof.formats.page as page; page.PAGE = 'nowhere'",
        "%%fastprof\nwork()",
    )
    text = cell[0].data["text/html"]
    assert "<table>" in text and "<iframe" not in text and "Node.js" in text
    assert "__main__:work" in text


def test_help_has_the_options(tmp_path):
    (line, cell), _ = run(
        tmp_path,
        "print(get_ipython().find_line_magic('fastprof').__doc__)",
        "print(get_ipython().find_cell_magic('fastprof').__doc__)",
    )
    assert "STATEMENT" in line[0].text and "--max-nodes" in line[0].text
    assert "-r " in line[0].text and "-r " not in cell[0].text
    assert "-q " in cell[0].text


def test_it_can_be_reloaded_and_unloaded(tmp_path):
    (_, again, _, gone), _ = run(
        tmp_path,
        "%reload_ext fastprof",
        "%%fastprof\nwork()",
        "%unload_ext fastprof",
        "%%fastprof\nwork()",
    )
    assert kinds(again) == ["display_data"]
    assert "not found" in gone[0].text


def test_the_cells_of_the_howto_do_what_they_say(tmp_path):
    text = (HERE.parents[1] / "docs/howto.md").read_text("utf-8")
    cells = re.findall(r"^```ipython\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(cells) == 4
    outputs, _ = run(tmp_path, *cells, allow_errors=False)
    assert kinds(outputs[1]) == ["execute_result", "display_data"]
    assert (tmp_path / "cell.html").exists()


def test_a_browser_draws_the_reports(tmp_path):
    node, browser = shutil.which("node"), shutil.which("chromium")
    if not (node and browser and (VIEWERS / "node_modules/playwright-core").exists()):
        pytest.skip("needs Node.js, Chromium, playwright-core: runs in make test-tools")
    _, notebook = run(
        tmp_path,
        "%%fastprof\nwork()",
        "%%fastprof\nfails()",
        "_fastprof",
        "with fastprof.Profiler() as profiler:\n    work()\nprofiler",
    )
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    page = tmp_path / "notebook.html"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{body}", "utf-8")
    words = [node, HERE / "notebook.mjs", VIEWERS, browser, page]
    if "FASTPROF_SCREENSHOT" in os.environ:
        words.append(os.environ["FASTPROF_SCREENSHOT"])
    result = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert (seen["wrong"], seen["open"], len(seen["reports"])) == ([], 2, 4)
    for report in seen["reports"]:
        assert "__main__:leaf" in report["rows"] and len(report["rows"]) == 1
        assert report["matches"].startswith("1 function, ")
        assert report["origin"] == "null"  # that of a sandbox
        assert report["box"]["width"] > 900 and report["box"]["height"] > 500
    cell, failed, folded, of_profiler = seen["reports"]
    assert cell["title"] == "%%fastprof" and "__main__:work" in cell["names"]
    assert "__main__:fails" in failed["names"]
    assert folded["names"] == failed["names"]
    assert "__main__:work" in of_profiler["names"]


def test_an_interrupt_ends_the_cell_and_the_profile_is_shown(tmp_path):
    interrupt = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\n"
    (cell, awaited, broken, empty, plain), _ = run(
        tmp_path,
        f"%%fastprof\n{interrupt}time.sleep(10)",
        f"%%fastprof\n{interrupt}await asyncio.sleep(10)",
        "%%fastprof\nthis is no Python",
        "%%fastprof",
        "work()",
    )
    for outputs in cell, awaited:
        assert kinds(outputs) == ["error", "display_data"]
    assert cell[0].ename == "KeyboardInterrupt"
    assert kinds(broken) == ["error"] and broken[0].ename == "SyntaxError"
    assert kinds(empty) == ["display_data"] and plain == []
