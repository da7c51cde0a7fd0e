"""Processes that lay sections out, each one section at a time.

Page objects of WeasyPrint hold handles of Pango's and cannot be shared by threads or sent to other
processes; so workers receive XHTML and return objects. Even one job has a worker of its own: there
is one way of doing it, a crash in a font library ends the worker instead of the build, and what
layout takes of memory is given back.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.exporters.print_layout import Style, Task


class WorkerDiedError(Exception):
    """A worker ended without an answer, while it laid out the section called ``name``."""

    def __init__(self, name: str, exit_code: int | None) -> None:
        super().__init__(name)
        self.name = name
        self.exit_code = exit_code

    @property
    def reason(self) -> str:
        """What ended the process."""
        if self.exit_code is not None and self.exit_code < 0:
            return f"was killed by {signal.Signals(-self.exit_code).name}"
        return f"ended with exit status {self.exit_code}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task: a packed object, or what was wrong."""

    name: str
    data: bytes
    failures: tuple[str, ...] = ()


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


class Workers:
    """At most ``jobs`` processes, started when there is something to do, ended by :meth:`close`."""

    def __init__(self, style: Style, jobs: int) -> None:
        self._style = style
        self._jobs = jobs
        self._workers: list[_Worker] = []
        # Of the ways to start a process the one that neither inherits our threads nor imports
        # WeasyPrint anew for each worker. All systems but Windows have it.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", "weasyprint"])

    def lay_out(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        """Lay sections out and yield what became of them, in the order in which they are done.

        Raises :class:`WorkerDiedError`.
        """
        waiting = deque(tasks)
        while len(self._workers) < min(self._jobs, len(waiting)):
            self._workers.append(self._start())
        idle = [*self._workers]
        busy: dict[Connection, tuple[_Worker, Task]] = {}
        while waiting or busy:
            while waiting and idle:
                worker, task = idle.pop(), waiting.popleft()
                busy[worker.pipe] = worker, task
                _send(worker, task)
            ready = wait([*busy])
            for pipe in [pipe for pipe in busy if pipe in ready]:
                worker, task = busy.pop(pipe)
                yield _receive(worker, task)
                idle.append(worker)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._style), daemon=True)
        process.start()
        theirs.close()  # so that our end is told when the worker dies
        return _Worker(process, ours)


def _send(worker: _Worker, task: Task) -> None:
    try:
        worker.pipe.send(task)
    except OSError as error:
        worker.process.join()
        raise WorkerDiedError(task.name, worker.process.exitcode) from error


def _receive(worker: _Worker, task: Task) -> Answer:
    try:
        answer: Answer = worker.pipe.recv()
    except (EOFError, OSError) as error:
        worker.process.join()
        raise WorkerDiedError(task.name, worker.process.exitcode) from error
    return answer


def _work(pipe: Connection, style: Style) -> None:
    """What a worker does, until nobody is left at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends us
    from generator.exporters.print_layout import Compositor

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
