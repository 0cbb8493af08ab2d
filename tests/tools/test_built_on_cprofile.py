"""Tools that are built on cProfile run on fastprof, unchanged."""

import pstats
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
def leaf():
    return len("abc")


def work():
    return [leaf() for _ in range(3)]
"""
TEST = """
from program import work

def test_work():
    assert work() == [3, 3, 3]
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def python(place, *arguments):
    child = subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    return child.stdout


def script(place, source):
    path = place / "script.py"
    path.write_text(
        "import fastprof\nfastprof.install_as_cprofile()\n" + textwrap.dedent(source)
    )
    return python(place, "script.py")


def assert_is_ours(stats, leaves=3):
    """The profile has the program's calls, and not cProfile's own `disable`."""
    calls = {name: nc for (_, _, name), (_, nc, *_) in stats.stats.items()}
    assert calls["leaf"] == leaves
    assert not any("_lsprof" in name for name in calls)


def test_prun_of_ipython(place):
    script(
        place,
        """
        from IPython.core.interactiveshell import InteractiveShell

        shell = InteractiveShell.instance()
        shell.run_cell("from program import work")
        shell.run_line_magic("prun", "-q -D prun.prof work()")
        """,
    )
    assert_is_ours(pstats.Stats(str(place / "prun.prof")))


def test_profiler_middleware_of_werkzeug(place):
    script(
        place,
        """
        import io
        from program import work
        from werkzeug.middleware.profiler import ProfilerMiddleware
        from werkzeug.test import Client
        from werkzeug.wrappers import Response

        def application(environ, start_response):
            return Response(str(work()))(environ, start_response)

        application = ProfilerMiddleware(
            application,
            stream=io.StringIO(),
            profile_dir=".",
            filename_format="{method}.prof",
        )
        assert Client(application).get("/").text == "[3, 3, 3]"
        """,
    )
    assert_is_ours(pstats.Stats(str(place / "GET.prof")))


def test_profile_of_pytest_profiling(place):
    (place / "test_program.py").write_text(TEST)
    pytest_ = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    python(place, "-m", "fastprof", "--as-cprofile", *pytest_, "--profile")
    assert_is_ours(pstats.Stats(str(place / "prof" / "combined.prof")))


def test_panel_of_django_debug_toolbar(place):
    output = script(
        place,
        """
        import django
        from django.conf import settings

        settings.configure(
            DEBUG=True,
            ROOT_URLCONF="script",
            SECRET_KEY="key",
            INTERNAL_IPS=["127.0.0.1"],
            ALLOWED_HOSTS=["testserver"],
            INSTALLED_APPS=["django.contrib.staticfiles", "debug_toolbar"],
            STATIC_URL="static/",
            MIDDLEWARE=["debug_toolbar.middleware.DebugToolbarMiddleware"],
            TEMPLATES=[{
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
            }],
            DEBUG_TOOLBAR_PANELS=["debug_toolbar.panels.profiling.ProfilingPanel"],
            DEBUG_TOOLBAR_CONFIG={
                "DISABLE_PANELS": set(),
                "SHOW_TOOLBAR_CALLBACK": lambda request: True,
                "IS_RUNNING_TESTS": False,
                "PROFILER_THRESHOLD_RATIO": 10**9,
            },
        )
        django.setup()

        from debug_toolbar.panels import profiling
        from debug_toolbar.toolbar import debug_toolbar_urls
        from django.http import HttpResponse
        from django.test import Client
        from django.urls import path
        from program import work

        profilers = []
        generate = profiling.ProfilingPanel.generate_stats

        def kept(panel, request, response):
            profilers.append(panel.profiler)
            return generate(panel, request, response)

        profiling.ProfilingPanel.generate_stats = kept

        def view(request):
            return HttpResponse(f"<html><body>{work()}</body></html>")

        urlpatterns = [path("", view), *debug_toolbar_urls()]

        if __name__ == "__main__":
            import sys

            sys.modules["script"] = sys.modules["__main__"]
            page = Client().get("/").content.decode()
            assert "[3, 3, 3]" in page and "djdt" in page
            [profiler] = profilers
            assert type(profiler) is fastprof.Profile
            profiler.snapshot_stats()
            print({key[2]: row[1] for key, row in profiler.stats.items()}["leaf"])
        """,
    )
    assert output == "3\n"
