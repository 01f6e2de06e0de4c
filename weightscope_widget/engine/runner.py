"""Tasks worked through: in which order, how many at a time, in how much memory, and how far they are."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from weightscope_widget.engine.executor import Crew, Work
from weightscope_widget.engine.memory import Budget

__all__ = ["Named", "Progress", "Task", "TaskRun"]


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    state : {"running", "done", "cancelled", "failed"}
        What it is doing; ``"failed"`` means the run itself broke, not a layer.
    done, total : int
        Layers finished, layers in all.
    fraction : float
        Share of the work done, 0–1, by estimated cost.
    seconds_left : float or None
        An estimate from the pace so far; None while there is none.
    message : str
        Why it failed, else empty.
    """

    state: str
    done: int
    total: int
    fraction: float
    seconds_left: float | None
    message: str = ""


class Named(Protocol):
    """Something with a name, which tasks are about."""

    @property
    def name(self) -> str:
        """The layer's name."""
        ...


class Task(Protocol):
    """Some work on one layer."""

    @property
    def layer(self) -> Named:
        """Which."""
        ...

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated."""
        ...

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        ...


_Task = TypeVar("_Task", bound=Task)
_Done = TypeVar("_Done")


class TaskRun(ABC, Generic[_Task, _Done]):
    """Work on the layers of a model, task by task; subclasses say what is done and where it goes.

    Parameters
    ----------
    tasks : sequence of Task
        In the order in which they are begun, unless one has to wait for memory or another jumps the queue.
    total : int
        How many layers there are, those without a task included.
    workers : int
        How many tasks are at hand at a time, each on a thread of its own, or with the executor.
    executor : Executor, optional
        Who does the tasks instead of threads of this process; it is not shut down.
    memory : int, optional
        Bytes that the tasks at hand may need together, by estimate; a task that needs more is done alone.
    in_step : bool
        Other processes do the same tasks and have to do them in the same order: none jumps the queue.
    """

    def __init__(
        self,
        tasks: Sequence[_Task],
        *,
        total: int,
        workers: int,
        executor: Executor | None,
        memory: int | None,
        in_step: bool = False,
    ) -> None:
        # What processes do together they have to do in one order, which threads would not keep.
        self._workers = 1 if in_step else workers
        self._in_step = in_step
        self._executor = executor
        self._budget = Budget(memory)
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._tasks = deque(tasks)
        self._tasks_left = Counter(self._counted(task) for task in tasks)
        self._total = total
        self._layers_done = total - len(self._tasks_left)
        self._cost_left = sum(task.cost for task in tasks)
        self._cost_total = self._cost_left
        self._started: float | None = None

    @abstractmethod
    def _request(self, task: _Task) -> Work[_Done]:
        """Return a task as what is given to a worker."""

    @abstractmethod
    def _accept(self, task: _Task, done: _Done, *, last: bool) -> None:
        """Keep what came of a task; `last` says that it was the layer's last one."""

    def _counted(self, task: _Task) -> Hashable:
        """Return what a task is a part of, as the progress counts; a layer, of which a run may have several by name."""
        return task.layer.name

    def _settled(self, task: _Task) -> bool:
        """Return whether a task need not be done, whatever was found since it was planned."""
        return False

    def _ended(self) -> None:
        """Do what is to be done when the run ends, however it does."""

    def steps(self) -> Iterator[_Task]:
        """Work until all is done or cancelled, yielding each task when its numbers are in the results."""
        self._started = time.perf_counter()
        crew: Crew[_Task, _Done] = Crew(self._workers, self._executor)
        with crew:
            try:
                while True:
                    while crew.has_room and (task := self._take()) is not None:
                        if self._settled(task):
                            self._tick_off(task)
                            yield task
                        else:
                            self._budget.take(task.memory)
                            crew.give(task, self._request(task))
                    if crew.idle:
                        return
                    for task, done in crew.finished():
                        self._keep(task, done)
                        yield task
                    if self._cancelled.is_set():
                        crew.recall()
            finally:
                for task, done in crew.rest():
                    self._keep(task, done)
                self._ended()

    def prioritize(self, name: str) -> None:
        """Do what is left of a layer before anything else; unknown names and finished layers change nothing.

        Nor does anything where several processes work together: the others do not know what was asked for here.
        """
        if self._in_step:
            return
        with self._lock:
            first = [task for task in self._tasks if task.layer.name == name]
            for task in first:
                self._tasks.remove(task)
            self._tasks.extendleft(reversed(first))

    def cancel(self) -> None:
        """Stop after the tasks at hand; their numbers and all before them are kept."""
        self._cancelled.set()

    @property
    def progress(self) -> Progress:
        """How far the run is, now."""
        with self._lock:
            spent = self._cost_total - self._cost_left
            done = self._layers_done
            state = "done" if done == self._total else "cancelled" if self._cancelled.is_set() else "running"
            # What is left is a difference of sums, and need not end at exactly zero.
            fraction = 1.0 if state == "done" or not self._cost_total else min(spent / self._cost_total, 1.0)
            left = None
            if state == "running" and spent > 0 and self._started is not None:
                left = (time.perf_counter() - self._started) * max(self._cost_left, 0.0) / spent
            return Progress(state, done, self._total, fraction, left)

    def _take(self) -> _Task | None:
        with self._lock:
            if self._cancelled.is_set():
                return None
            # A smaller one goes first where the next one has to wait for memory.
            task = next((task for task in self._tasks if self._budget.admits(task.memory)), None)
            if task is not None:
                self._tasks.remove(task)
            return task

    def _keep(self, task: _Task, done: _Done) -> None:
        self._budget.give_back(task.memory)
        self._accept(task, done, last=self._tasks_left[self._counted(task)] == 1)
        self._tick_off(task)

    def _tick_off(self, task: _Task) -> None:
        with self._lock:
            self._cost_left -= task.cost
            self._tasks_left[self._counted(task)] -= 1
            self._layers_done += self._tasks_left[self._counted(task)] == 0
