"""Processes that lay sections out, each one section at a time.

Page objects of WeasyPrint hold handles of Pango's and cannot be shared by threads or sent to other
processes; so workers receive XHTML and return objects. Even one job has a worker of its own: there
is one way of doing it, a crash in a font library ends the worker instead of the build, and what
layout takes of memory is given back.

They are started as commands, not by multiprocessing, which would import the program's main module
into each of them: a script that calls the exporter would have to be written for that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from generator.typography.fonts import BookFonts


@dataclass(frozen=True, slots=True)
class Style:
    """What all sections have in common: style sheets in the order of their weight, and fonts."""

    sheets: tuple[str, ...]
    fonts: BookFonts


@dataclass(frozen=True, slots=True)
class Task:
    """A section to lay out: its XHTML, and the pictures in it by address, with media types.

    Every name of a task is another.
    """

    name: str
    markup: str
    pictures: Mapping[str, tuple[bytes, str]]


class WorkerDiedError(Exception):
    """A worker ended without an answer, while it laid out the section called ``name``."""

    def __init__(self, name: str, exit_code: int) -> None:
        super().__init__(name)
        self.name = name
        self.exit_code = exit_code

    @property
    def reason(self) -> str:
        """What ended the process."""
        if self.exit_code < 0:
            return f"was killed by {signal.Signals(-self.exit_code).name}"
        return f"ended with exit status {self.exit_code}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task: a packed object, or what was wrong."""

    name: str
    data: bytes
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection


class Workers:
    """At most ``jobs`` processes, started when there is something to do, ended by :meth:`close`."""

    def __init__(self, style: Style, jobs: int) -> None:
        self._style = style
        self._jobs = jobs
        self._workers: list[_Worker] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def lay_out(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        """Lay sections out and yield what became of them, in the order in which they are done.

        Raises :class:`WorkerDiedError`.
        """
        waiting = deque(tasks)
        lacking = min(self._jobs, len(waiting)) - len(self._workers)
        started = [self._start() for _ in range(lacking)]
        self._workers += started
        for worker in started:  # all of them are importing WeasyPrint by now
            _send(worker, self._style, waiting[0].name)
        idle = [*self._workers]
        busy: dict[Connection, tuple[_Worker, Task]] = {}
        while waiting or busy:
            while waiting and idle:
                worker, task = idle.pop(), waiting.popleft()
                busy[worker.pipe] = worker, task
                _send(worker, task, task.name)
            ready = wait([*busy])
            for pipe in [pipe for pipe in busy if pipe in ready]:
                worker, task = busy.pop(pipe)
                yield _receive(worker, task)
                idle.append(worker)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
        self._workers.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self) -> _Worker:
        if self._folder is None:
            # WeasyPrint copies the faces there, and a worker that is killed does not clear up.
            self._folder = tempfile.TemporaryDirectory(prefix="studyguide-")
        ours, theirs = Pipe()
        program = (
            "import sys; from generator.exporters.print_workers import work; work(sys.argv[1])"
        )
        # They find the same modules as we do, and nothing in the working folder beside.
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own program
            [sys.executable, "-P", "-c", program, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path, "TMPDIR": self._folder.name},
            stdin=subprocess.DEVNULL,
        )
        theirs.close()  # so that our end is told when the worker dies
        return _Worker(process, ours)


def _send(worker: _Worker, item: Style | Task, name: str) -> None:
    try:
        worker.pipe.send(item)
    except OSError as error:
        raise WorkerDiedError(name, worker.process.wait()) from error


def _receive(worker: _Worker, task: Task) -> Answer:
    try:
        answer: Answer = worker.pipe.recv()
    except (EOFError, OSError) as error:
        raise WorkerDiedError(task.name, worker.process.wait()) from error
    return answer


def work(descriptor: str) -> None:
    """What a worker does, until nobody is left at the other end of its pipe."""
    pipe = Connection(int(descriptor))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends us
    from generator.exporters.print_layout import Compositor

    style: Style = pipe.recv()
    compositor: Compositor | None = None
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        try:
            compositor = compositor or Compositor(style)
            answer = Answer(task.name, compositor.lay_out(task).pack())
        except Exception as error:
            answer = Answer(task.name, b"", _messages(error))
        pipe.send(answer)


def _messages(error: Exception) -> tuple[str, ...]:
    from generator.exporters.print_layout import LayoutError

    if isinstance(error, LayoutError):
        return tuple(error.messages)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return (f"{type(error).__name__}: {error} ({place})",)
