"""The command line: options in, report out, exit code back.

click only parses: each command gives a request, and `main` carries it out. What costs time to
import (the engine, rich) is imported when a request needs it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn, Protocol, TextIO

import click

from codemod.configuration import (
    ACCEPTABLE,
    LOOPS,
    SEQUENTIAL,
    CommandLine,
    Options,
    find_root,
    make_options,
    unknown_name,
)
from codemod.errors import CodemodError, CommitError, StaleFileError, UsageError
from codemod.report.exit_code import Problem, exit_code, of_diagnosis, of_repetition
from codemod.results import Diagnosis, Repeated, Report

FORMATS = ("text", "json")
Progress = Callable[[int, int, str], None]
Verbosity = Literal["quiet", "normal", "verbose"]


class Facade(Protocol):
    """What the command line needs of `codemod.refactoring`."""

    def run(
        self, options: Options, *, mode: Literal["diff", "apply"], progress: Progress | None
    ) -> Report: ...

    def diagnose(
        self,
        options: Options,
        *,
        transforms: tuple[str, ...],
        every: bool,
        write_recipes: bool,
        progress: Progress | None,
    ) -> Diagnosis: ...

    def repeat(self, options: Options, key: str) -> Repeated: ...

    def undo(self, root: Path) -> Any: ...

    def transforms(self, options: Options) -> tuple[Any, ...]: ...


@dataclass(frozen=True)
class Streams:
    """Where a command writes: results as bytes, what it says about them as text."""

    stdout: BinaryIO
    stderr: TextIO

    def say(self, text: str) -> None:
        self.stderr.write(text + "\n")

    def put(self, text: str) -> None:
        self.stdout.write(text.encode("utf-8", "backslashreplace"))


@dataclass(frozen=True)
class Request:
    """One parsed command line."""

    command: Literal["diff", "apply", "doctor", "verify", "undo", "list", "explain"]
    line: CommandLine
    format: str = "text"
    output: str | None = None
    verbosity: Verbosity = "normal"
    name: str = ""
    refusal: str | None = None
    every: bool = False
    write_recipes: bool = False


def run() -> None:
    """Entry point of the `codemod` script. To be told to end is to be interrupted."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        code = main(sys.argv[1:], sys.stdout.buffer, sys.stderr)
    except KeyboardInterrupt:
        code = exit_code(None, "interrupted")
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End at once: to take apart all that is known of a large project takes a while."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main(
    argv: Sequence[str], stdout: BinaryIO, stderr: TextIO, facade: Facade | None = None
) -> int:
    """Carry out one command line. Returns the exit code; raises nothing that a user can cause."""
    streams = Streams(stdout, stderr)
    try:
        request = _parse(argv, streams)
        if isinstance(request, int):
            return request
        code = _COMMANDS[request.command](request, streams, facade or _facade(), argv)
        stdout.flush()
        return code
    except KeyboardInterrupt:
        streams.say("codemod: interrupted; every file is whole, nothing is half written.")
        return exit_code(None, "interrupted")
    except click.ClickException as error:
        streams.say(f"codemod: {_usage_message(error)}")
        return exit_code(None, "usage")
    except CodemodError as error:
        streams.say(f"codemod: {error}")
        return exit_code(None, _problem(error))
    except BrokenPipeError:
        _silence(stdout)
        return exit_code(None)
    except Exception:
        streams.say(traceback.format_exc().rstrip())
        streams.say("codemod: this is a fault of codemod; every file is whole.")
        return exit_code(None, "failed")


def _usage_message(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "codemod"
    return f"{error.format_message().rstrip('.')}; see {command} --help"


def _problem(error: CodemodError) -> Problem:
    if isinstance(error, UsageError):
        return "usage"
    return "not-written" if isinstance(error, (CommitError, StaleFileError)) else "failed"


def _facade() -> Facade:
    found: Any = importlib.import_module("codemod.refactoring")
    facade: Facade = found
    return facade


# ---- parsing


def _parse(argv: Sequence[str], streams: Streams) -> Request | int:
    """The request, or the exit code if there is nothing more to do (help, version)."""
    found = _cli.main(
        list(argv) or ["--help"], prog_name="codemod", standalone_mode=False, obj=streams
    )
    return found if isinstance(found, (Request, int)) else exit_code(None)


def _print_help(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        context.obj.put(context.get_help() + "\n")
        context.exit()


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        context.obj.put(f"codemod {_version()}\n")
        context.exit()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("torch-codemod")
    except PackageNotFoundError:
        return "unknown"


_help = click.option(
    "-h",
    "--help",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_help,
    help="Show this text and exit.",
)


def _stack(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_sources = _stack(
    click.option(
        "-t",
        "--transform",
        "transforms",
        multiple=True,
        metavar="NAME",
        help="This transform (repeat); ./FILE.py for one of your own.",
    ),
    click.option("--config", metavar="FILE", help="Configuration instead of pyproject.toml."),
)
_selection = _stack(
    _sources,
    click.option(
        "--preset",
        metavar="NAME",
        help="attribution, quantization, cleanup, or one of the configuration.",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="NAMES",
        help="Layers by name or group: relu,gelu,@activation,@pooling,@dropout,@padding,@loss.",
    ),
    click.option(
        "--loops",
        type=click.Choice(LOOPS),
        help="What a functional in a loop becomes: one module for all rounds, or one a layer.",
    ),
    click.option(
        "--sequential",
        type=click.Choice(SEQUENTIAL),
        help="What a functional around a Sequential becomes: a layer apart, or its last one.",
    ),
    click.option("--include", multiple=True, metavar="GLOB", help="Also these files (repeat)."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Not these files (repeat)."),
)
_running_models = _stack(
    click.option("-j", "--jobs", type=click.IntRange(min=1), help="Models to run at once."),
    click.option("--python", metavar="PATH", help="The interpreter that has your torch."),
    click.option("--recipes", metavar="FILE", help="How to build and call your classes."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="S",
        help="Seconds for one run of a model.",
    ),
    click.option(
        "--budget",
        type=click.FloatRange(min=0),
        metavar="S",
        help="Seconds for confirming as a whole.",
    ),
    click.option(
        "--cache/--no-cache", default=None, help="Use again what earlier runs planned and saw."
    ),
)
_confirming = _stack(
    click.option(
        "--verify/--no-verify", default=None, help="Confirm each rewrite by running the model."
    ),
    click.option(
        "--accept",
        multiple=True,
        type=click.Choice(ACCEPTABLE),
        help="Also write rewrites of this kind (repeat).",
    ),
    _running_models,
)
_output = _stack(
    click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True),
    click.option("--output", metavar="FILE", help="Write the patch or the report to FILE."),
    _help,
)
_showing = _stack(
    click.option("-v", "--verbose", is_flag=True, help="List every rewrite and every refusal."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
    _output,
)
_paths = click.argument("paths", nargs=-1, metavar="[PATHS]...")


@click.group(context_settings={"help_option_names": []}, no_args_is_help=False)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@_help
def _cli() -> None:
    """Rewrite PyTorch source code; confirm each rewrite by running the model before and after.

    Confirming runs your code, in a cage. --no-verify runs none of it.

    \b
    Exit codes:
      0  nothing to do, or everything planned was written
      1  diff: the patch is not empty; apply: a planned rewrite was not written
      2  usage or configuration error
      3  a file could not be analysed, or the confirming worker failed
    """


@_cli.command("diff")
@_paths
@_selection
@_confirming
@_showing
def _diff(**values: Any) -> Request:
    """Print the patch that apply would write. Writes nothing."""
    return _running("diff", values)


@_cli.command("apply")
@_paths
@_selection
@_confirming
@_showing
def _apply(**values: Any) -> Request:
    """Write what was confirmed: all files or none."""
    return _running("apply", values)


@_cli.command("doctor")
@_paths
@click.option("--all", "every", is_flag=True, help="Every module class, sites or not.")
@click.option("--write-recipes", is_flag=True, help="Put what was found into codemod_recipes.py.")
@_selection
@_running_models
@_output
def _doctor(every: bool, write_recipes: bool, **values: Any) -> Request:
    """Show which classes can be run, how, and what is missing for the rest.

    Exits with 1 if a class cannot be run.
    """
    return Request(
        "doctor",
        _command_line(values),
        values["format"],
        values["output"],
        every=every,
        write_recipes=write_recipes,
    )


@_cli.command("verify")
@click.option("--replay", required=True, metavar="ID", help="The run, as the report names it.")
@click.argument("path", required=False, metavar="[PATH]")
@click.option("--config", metavar="FILE", help="Configuration instead of pyproject.toml.")
@_help
def _verify(replay: str, path: str | None, config: str | None) -> Request:
    """Repeat exactly a run that showed a difference.

    PATH tells the project, where it is not the one at hand. Exits with 1 if it differs again.
    """
    return Request("verify", CommandLine(paths=(path,) if path else (), config=config), name=replay)


@_cli.command("undo")
@click.argument("path", required=False, metavar="[PATH]")
@_help
def _undo(path: str | None) -> Request:
    """Take back the last apply; again: the one before it."""
    return Request("undo", CommandLine(paths=(path,) if path else ()))


@_cli.command("list")
@_sources
@_help
def _list(**values: Any) -> Request:
    """List the transforms."""
    return Request("list", _command_line(values))


@_cli.command("explain")
@click.argument("name")
@click.option("--refusal", metavar="CODE", help="Explain one of its refusals.")
@_sources
@_help
def _explain(name: str, refusal: str | None, **values: Any) -> Request:
    """Show what a transform promises, its examples and its refusals.

    NAME may be the path of a file of your own: ./FILE.py.
    """
    if name.endswith(".py"):
        values["transforms"] = (*values["transforms"], name)
    return Request("explain", _command_line(values), name=name, refusal=refusal)


def _running(command: Literal["diff", "apply"], values: dict[str, Any]) -> Request:
    if values["quiet"] and values["verbose"]:
        raise click.UsageError("--quiet and --verbose exclude each other")
    verbosity: Verbosity = (
        "quiet" if values["quiet"] else "verbose" if values["verbose"] else "normal"
    )
    return Request(command, _command_line(values), values["format"], values["output"], verbosity)


def _command_line(values: dict[str, Any]) -> CommandLine:
    known = {field.name for field in fields(CommandLine)}
    return CommandLine(**{name: value for name, value in values.items() if name in known})


# ---- diff and apply


def _run(request: Request, streams: Streams, facade: Facade, argv: Sequence[str]) -> int:
    mode: Literal["diff", "apply"] = "apply" if request.command == "apply" else "diff"
    options = make_options(request.line, Path.cwd())
    options = replace(options, details=request.format == "json")
    _check_output(request.output)
    with _progress(request, streams.stderr) as progress:
        report = facade.run(options, mode=mode, progress=progress)
    _write_result(_result(report, request, streams.stdout), request.output, streams)
    _write_summary(report, request, streams.stderr, _again(argv))
    return exit_code(report)


def _check_output(output: str | None) -> None:
    """Before a long run, not after it."""
    if output is None:
        return
    folder = Path(output).absolute().parent
    if not folder.is_dir() or Path(output).is_dir():
        raise UsageError(f"--output {output}: cannot be written there")


def _result(report: Report, request: Request, stdout: BinaryIO) -> bytes:
    if request.format == "json":
        from codemod.report.json_report import to_json

        return to_json(report).encode("utf-8")
    from codemod.report import terminal

    if report.mode == "apply":
        text = terminal.written_files(report)
        return b"" if request.verbosity == "quiet" else text.encode("utf-8", "backslashreplace")
    if request.output is None and stdout.isatty():
        return terminal.patch_for_terminal(report, colour=_wants_colour())
    return terminal.patch_for_pipe(report)


def _wants_colour() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _write_result(data: bytes, output: str | None, streams: Streams) -> None:
    if output is not None:
        from codemod.source.durable import write_file

        try:
            write_file(Path(output).absolute(), data)
        except OSError as error:
            raise UsageError(f"--output {output}: cannot be written: {error.strerror}") from None
        return
    try:
        streams.stdout.write(data)
        streams.stdout.flush()
    except BrokenPipeError:
        _silence(streams.stdout)


def _silence(stream: BinaryIO) -> None:
    """The reader has gone: what Python still wants to flush goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _write_summary(report: Report, request: Request, stderr: TextIO, again: Sequence[str]) -> None:
    from codemod.report import terminal

    if request.format != "text":
        # The report holds all of it; a person at a terminal still wants to see errors.
        request = replace(request, verbosity="quiet")
    console = _console(stderr)
    with console.capture() as captured:
        console.print(terminal.summary(report, request.verbosity, again), end="", soft_wrap=True)
    with contextlib.suppress(BrokenPipeError):
        stderr.write(captured.get())
        stderr.flush()


def _console(stderr: TextIO) -> Any:
    from rich.console import Console

    return Console(file=stderr, markup=False, highlight=False, emoji=False)


@contextlib.contextmanager
def _progress(request: Request, stderr: TextIO) -> Iterator[Progress | None]:
    if request.verbosity == "quiet" or not stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=_console(stderr), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show


_NOT_REPEATED = {"--format": 1, "--output": 1, "-v": 0, "--verbose": 0, "-q": 0, "--quiet": 0}


def _again(argv: Sequence[str]) -> list[str]:
    """The arguments after the command's name, without those that only shape the output."""
    kept: list[str] = []
    rest = iter(argv[1:])
    for argument in rest:
        name = argument.partition("=")[0]
        if name not in _NOT_REPEATED:
            kept.append(argument)
        elif "=" not in argument and _NOT_REPEATED[name]:
            next(rest, None)
    return kept


# ---- doctor


def _examine(request: Request, streams: Streams, facade: Facade, _: Sequence[str]) -> int:
    options = make_options(request.line, Path.cwd())
    _check_output(request.output)
    with _progress(request, streams.stderr) as progress:
        diagnosis = facade.diagnose(
            options,
            transforms=request.line.transforms,
            every=request.every,
            write_recipes=request.write_recipes,
            progress=progress,
        )
    _write_result(_shown_diagnosis(diagnosis, request, streams), request.output, streams)
    return of_diagnosis(diagnosis)


def _shown_diagnosis(diagnosis: Diagnosis, request: Request, streams: Streams) -> bytes:
    from codemod.report import doctor

    if request.format == "json":
        return doctor.to_json(diagnosis).encode("utf-8")
    found = doctor.text(diagnosis)
    if request.output is not None or not streams.stdout.isatty():
        return found.plain.encode("utf-8", "backslashreplace")
    from rich.console import Console

    console = Console(force_terminal=True, no_color=not _wants_colour(), highlight=False)
    with console.capture() as captured:
        console.print(found, end="", soft_wrap=True)
    return captured.get().encode("utf-8", "backslashreplace")


# ---- verify


def _repeat(request: Request, streams: Streams, facade: Facade, _: Sequence[str]) -> int:
    from codemod.report import terminal

    found = facade.repeat(make_options(request.line, Path.cwd()), request.name)
    streams.put(terminal.repeated(found).plain)
    return of_repetition(found)


# ---- undo, list, explain


def _take_back(request: Request, streams: Streams, facade: Facade, _: Sequence[str]) -> int:
    here = Path.cwd() / (request.line.paths[0] if request.line.paths else "")
    if not here.exists():
        raise UsageError(f"{request.line.paths[0]}: no such file or folder")
    result = facade.undo(find_root([here]))
    if result.found_nothing:
        streams.say("Nothing to undo.")
        return exit_code(None)
    if result.interrupted:
        streams.say("The last apply was cut short; what it had written is taken back.")
    for path in result.restored:
        streams.put(f"restored {path}\n")
    for path in result.already:
        streams.put(f"{path} was as before\n")
    for kept in result.kept:
        streams.say(f"{kept.path} {kept.reason}: left as it is")
    if result.saved:
        streams.say(f"The earlier text of those files is in {result.saved}")
    return exit_code(None, "not-written" if result.kept else None)


def _show_list(request: Request, streams: Streams, facade: Facade, _: Sequence[str]) -> int:
    found = facade.transforms(make_options(request.line, Path.cwd()))
    width = max((len(transform.name) for transform in found), default=0)
    for transform in sorted(found, key=lambda transform: transform.name):
        streams.put(f"{transform.name:{width}}  {_first_line(transform)}\n")
    return exit_code(None)


def _first_line(transform: Any) -> str:
    return (transform.__doc__ or "").strip().partition("\n")[0]


def _named(request: Request, facade: Facade) -> Any:
    """The transform of a name, or the first that a file defines."""
    found = {t.name: t for t in facade.transforms(make_options(request.line, Path.cwd()))}
    own = Path(request.name).resolve()
    for transform in found.values() if request.name.endswith(".py") else ():
        if getattr(sys.modules[type(transform).__module__], "__file__", None) == str(own):
            return transform
    if request.name not in found:
        raise unknown_name("transform", request.name, found)
    return found[request.name]


def _show_transform(request: Request, streams: Streams, facade: Facade, _: Sequence[str]) -> int:
    from codemod.report import explanation

    transform = _named(request, facade)
    refusals = transform.refusal_docs()
    if request.refusal is None:
        streams.put(explanation.of_transform(transform))
        return exit_code(None)
    if request.refusal not in refusals:
        raise unknown_name("refusal", request.refusal, refusals)
    streams.put(explanation.of_refusal(request.name, request.refusal, refusals[request.refusal]))
    return exit_code(None)


_COMMANDS: dict[str, Callable[[Request, Streams, Facade, Sequence[str]], int]] = {
    "diff": _run,
    "apply": _run,
    "doctor": _examine,
    "verify": _repeat,
    "undo": _take_back,
    "list": _show_list,
    "explain": _show_transform,
}
