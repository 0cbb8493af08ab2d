"""The flags of the command line that say when to record, and what signals do."""

import optparse

from .formats import format_of
from .profiler import Profiler

TYPE_CHECKING = False  # see launch.py for what may be imported
if TYPE_CHECKING:
    from .signals import OnSignal
    from .windows import Plan, Windows

__all__ = ["FLAGS", "Control", "Option", "add_flags", "check_flags"]

OF_A_PLAN = "every", "for_", "start_after", "stop_after", "max_calls"
FLAGS = *OF_A_PLAN, "toggle", "snapshot"


def share_of(option: optparse.Option, flag: str, text: str) -> float:
    """What `5%` or `0.05` says."""
    number = text.strip()
    try:
        return float(number[:-1]) / 100 if number.endswith("%") else float(number)
    except ValueError:
        raise optparse.OptionValueError(
            f"option {flag}: a share such as 5% or 0.05, not {text!r}"
        ) from None


class Option(optparse.Option):
    """An option whose type may be "share"."""

    TYPES = (*optparse.Option.TYPES, "share")
    TYPE_CHECKER = optparse.Option.TYPE_CHECKER | {"share": share_of}


def add_flags(parser: optparse.OptionParser) -> None:
    """The flags of `FLAGS`."""
    for name, what in (
        ("every", "record again and again, from one beginning to the next so long"),
        ("for", "and so long each time"),
        ("start-after", "record nothing before"),
        ("stop-after", "record nothing any more so long after it began"),
    ):
        parser.add_option(
            f"--{name}",
            dest="for_" if name == "for" else name.replace("-", "_"),
            metavar="TIME",
            help=f"{what}: seconds, or such as 250ms, 10s, 2m, 1h30m",
        )
    parser.add_option(
        "--max-calls",
        type="int",
        metavar="N",
        help="record nothing any more when there are so many calls, or a few more",
    )
    parser.add_option(
        "--toggle",
        metavar="SIGNAL",
        help="record nothing at first; this signal, such as SIGUSR1, begins and ends",
    )
    parser.add_option(
        "--snapshot",
        metavar="SIGNAL",
        help="at this signal, such as SIGUSR2, write the profile as it is then beside "
        "the file of -o: out.1.prof, out.2.prof",
    )


def check_flags(parser: optparse.OptionParser, options: optparse.Values) -> None:
    """Refuse what cannot be understood or done; sets `options.plan`."""
    asked = {name: getattr(options, name) for name in OF_A_PLAN}
    asked = {name: value for name, value in asked.items() if value is not None}
    try:
        options.plan = _plan_of(asked) if asked else None
        _check_signals(options)
        if asked and options.toggle is not None:
            raise ValueError(f"--toggle goes without {', '.join(map(_flag, asked))}")
        if asked and options.threads != "all":
            raise ValueError(f"{_flag(next(iter(asked)))} needs --threads all")
    except ValueError as error:
        parser.error(str(error))


def _flag(name: str) -> str:
    return "--" + name.strip("_").replace("_", "-")


def _plan_of(asked: "dict[str, str]") -> "Plan":
    from .windows import Plan

    return Plan(**asked, spelled=_flag)  # type: ignore[arg-type]


def _check_signals(options: optparse.Values) -> None:
    given = [one for one in (options.toggle, options.snapshot) if one is not None]
    if given:
        from .signals import number_of

        if len({number_of(signal) for signal in given}) < len(given):
            raise ValueError("--toggle and --snapshot are for two signals")
    if options.snapshot is not None and options.outfile is None:
        raise ValueError("--snapshot needs -o: it writes beside that file")


class Control:
    """Begins to record as the flags say, and has the signals do what they say."""

    def __init__(
        self, profiler: Profiler, options: optparse.Values, outfile: str | None
    ) -> None:
        """With flags that `check_flags` has let pass."""
        self._profiler = profiler
        self._options = options
        self._outfile = outfile
        self._windows: Windows | None = None
        self._signals: list[OnSignal] = []

    def begin(self) -> None:
        """Record, if it is time to; what is called after this is in the profile.

        Raises:
            ProfilerConflictError: Another profiler is active.
            ValueError: A signal is in use.
        """
        profiler, options = self._profiler, self._options
        if options.snapshot is not None and self._outfile is not None:
            format = format_of(self._outfile) or "prof"
            self._signals.append(
                profiler.save_on(
                    options.snapshot, self._outfile, format, tree=options.tree
                )
            )
        if options.toggle is not None:
            self._signals.append(profiler.toggle_on(options.toggle))
        elif options.plan is None:
            profiler.enable()
        else:
            self._windows = profiler.follow(options.plan)

    def stop(self) -> None:
        """Record nothing any more; signals come to nothing."""
        for one in self._signals:
            one.stop()
        if self._windows is not None:
            self._windows.end()
        self._profiler.disable()

    def end(self) -> None:
        """Restore the handlers of the signals."""
        for one in self._signals:
            one.end()
