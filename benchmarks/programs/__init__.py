"""Real programs for the benchmarks: pyperformance's and some whole applications.

They need the packages of ``tools/requirements/bench.txt``; this module alone does not.
``load(name)`` imports a program and returns ``main(scale)``, which repeats its work
`scale` times: the same work each time, nothing printed. ``SCALES`` has the scale of
about a second without a profiler, on Python 3.13.
"""

from __future__ import annotations

from collections.abc import Callable

# Programs of pyperformance; from_pyperformance.py knows how to get them.
PYPERFORMANCE = {
    "async_generators": 1,
    "async_tree": 1,
    "barnes_hut": 2,
    "chameleon": 20,
    "chaos": 3,
    "comprehensions": 15_000,
    "coroutines": 10,
    "crypto_pyaes": 4,
    "deepcopy": 500,
    "deltablue": 75,
    "fannkuch": 1,
    "float": 5,
    "generators": 5,
    "go": 3,
    "hexiom": 60,
    "html5lib": 6,
    "json_dumps": 30,
    "logging_format": 3500,
    "logging_silent": 400_000,
    "logging_simple": 4000,
    "meteor_contest": 3,
    "nbody": 3,
    "nqueens": 2,
    "pickle_pure_python": 40,
    "pyflate": 1,
    "raytrace": 3,
    "richards": 5,
    "richards_super": 4,
    "scimark_lu": 2,
    "scimark_monte_carlo": 4,
    "scimark_sor": 2,
    "scimark_sparse_mat_mult": 40,
    "spectral_norm": 2,
    "sqlglot_optimize": 10,
    "sqlglot_parse": 200,
    "sympy_str": 1,
    "telco": 25,
    "typing_runtime_protocols": 1000,
    "unpickle_pure_python": 60,
    "xml_etree_pure_python": 2,
}

# Applications at work on files of the standard library; see applications.py.
APPLICATIONS = {
    "lark": 5,
    "markdown": 6,
    "mistune": 10,
    "pycodestyle": 10,
    "pyflakes": 5,
    "pygments": 5,
    "yapf": 3,
}

SCALES: dict[str, int] = PYPERFORMANCE | APPLICATIONS
ALL: tuple[str, ...] = tuple(SCALES)


def load(name: str) -> Callable[[int], object]:
    """Import a program, and make it ready to run.

    Raises:
        ImportError: The packages that it needs are not installed.
        KeyError: There is no such program.
    """
    if name in APPLICATIONS:
        from . import applications

        return applications.load(name)
    from . import from_pyperformance

    return from_pyperformance.load(name)
