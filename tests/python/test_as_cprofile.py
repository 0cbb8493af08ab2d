"""fastprof behind `import cProfile`. Real tools: tests/tools."""

from support import run_isolated

CHECK = """
def leaf():
    pass

def work():
    leaf()
    leaf()
"""


def test_what_has_imported_the_module_uses_ours():
    run_isolated(
        CHECK
        + """
import cProfile, fastprof, os, tempfile
fastprof.install_as_cprofile()
fastprof.install_as_cprofile()
profile = cProfile.Profile()
assert type(profile) is fastprof.Profile
profile.runcall(work)
profile.create_stats()
assert {key[2]: row[1] for key, row in profile.stats.items()} == {"work": 1, "leaf": 2}
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "out.prof")
    cProfile.run("work()", path)
    assert type(fastprof.load(path)) is fastprof.Stats
"""
    )


def test_names_are_taken_from_ours():
    run_isolated(
        """
import fastprof
fastprof.install_as_cprofile()
from cProfile import Profile, run, runctx
assert (Profile, run, runctx) == (fastprof.Profile, fastprof.run, fastprof.runctx)
"""
    )


def test_importing_fastprof_alone_changes_nothing():
    run_isolated(
        """
import fastprof, cProfile
assert cProfile.Profile is not fastprof.Profile
"""
    )
