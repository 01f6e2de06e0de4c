"""The scan from Python: ``Scope(model).scan()`` and ``scan(model)``."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from weightscope_widget._shared.checks import check_count, check_executor, check_memory
from weightscope_widget.analyzers import resolve_methods
from weightscope_widget.cache.store import open_cache
from weightscope_widget.engine.executor import default_at_hand
from weightscope_widget.engine.memory import default_budget
from weightscope_widget.errors import ScanInterruptedWarning
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Source, open_source

if TYPE_CHECKING:
    from weightscope_widget.comparison import ComparisonResults

__all__ = ["Scope", "scan"]


class Scope:
    """A model opened for looking into.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, path, or Source
        A live module, a state dict, a file or folder of weights, a Hugging Face id, or the address of safetensors
        elsewhere.  Files are read tensor by tensor.

    Attributes
    ----------
    source : Source
        The model's layers.
    results : ScanResults or None
        Of the latest scan, filled while it runs.

    Raises
    ------
    WeightScopeError
        One of its kinds, saying what is wrong with `model` and what to do.
    """

    def __init__(self, model: Any) -> None:
        self.source: Source = open_source(model)
        self.results: ScanResults | None = None

    def scan(
        self,
        methods: str | Iterable[str] = "all",
        *,
        top_k: int = 10,
        vectors: bool = False,
        workers: int | None = None,
        executor: Executor | None = None,
        memory: float | None = None,
        cache: bool | str | os.PathLike[str] = True,
        progress: bool = True,
        cancel: threading.Event | None = None,
    ) -> ScanResults:
        """Analyze every weight of two or more dimensions.

        Parameters
        ----------
        methods : str or iterable of str
            Any of ``"basic_stats"``, ``"spectral"``, ``"quantization"`` (INT8, per tensor), ``"sparsity"`` and
            ``"schemes"`` (other quantization schemes), or ``"all"``.
        top_k : int
            How many of the largest singular values to list per layer.
        vectors : bool
            List 1-D tensors (norms, biases) too, with basic statistics.
        workers : int, optional
            How many layers are analyzed at a time; by default as many as there are cores, at most 8.  With an
            executor, how many are given to it at a time; by default four per core of this machine, so give about
            twice the number of its workers.
        executor : Executor, optional
            Who does the work instead of threads of this process: a ``ProcessPoolExecutor``, Dask's
            ``client.get_executor()``, or any other `concurrent.futures.Executor`.  Its workers open the files
            themselves, under the same paths; of a model in memory, the tensors are sent to them.  It is not shut down.
        memory : float, optional
            Bytes, such as ``4e9``, that the layers at hand may need together, by estimate; one that needs more is
            analyzed alone.  By default half of what is available now, and with an executor no limit.
        cache : bool or path-like
            Whether what was measured of files is remembered for the next scan, and where: True for the directory that
            the environment variable ``WEIGHTSCOPE_CACHE`` names (``off``: nowhere), or else the user's cache directory.
            A file that has changed is measured anew.  Models in memory are never remembered.
        progress : bool
            Show a progress bar.
        cancel : threading.Event, optional
            Set from another thread, it stops the scan after the layers at hand; from an executor, those that have not
            begun are taken back.

        Returns
        -------
        ScanResults
            ``results[layer][section][metric]``.  After a cancel, or an interrupt (which also warns), what was computed
            until then.

        Raises
        ------
        UnknownMethodError, InvalidArgumentError, NoWeightsError
            Where an argument is wrong, nothing is there to analyze, or the model cannot be sent to the executor.

        Warns
        -----
        ScanInterruptedWarning
            Where the scan was interrupted from the keyboard.
        ExecutorLostWarning
            Where the executor broke or was closed, and threads of this process did the rest.
        CacheWarning
            Where nothing can be remembered, or what was cannot be read; the scan goes on without.
        """
        run = start_run(
            self.source,
            methods,
            top_k=top_k,
            vectors=vectors,
            workers=workers,
            executor=executor,
            memory=memory,
            cache=cache,
        )
        return self._finish(run, progress, cancel)

    def compare_with(self, other: Any, methods: str | Iterable[str] = "all", **options: Any) -> ComparisonResults:
        """Compare this model, as the base, with a tuned one: ``compare(self, other, ...)``."""
        from weightscope_widget.comparison import compare

        return compare(self, other, methods, **options)

    def _finish(self, run: ScanRun, progress: bool, cancel: threading.Event | None) -> ScanResults:
        self.results = run.results
        with tqdm(total=len(run.results.layers), desc=self.source.name, unit="layer", disable=not progress) as bar:
            try:
                bar.update(run.progress.done)
                for _ in run.steps():
                    bar.update(run.progress.done - bar.n)
                    if cancel is not None and cancel.is_set():
                        run.cancel()
            except KeyboardInterrupt:
                warnings.warn(
                    f"The scan of {self.source.name} was interrupted; the results hold what was computed until then.",
                    ScanInterruptedWarning,
                    stacklevel=3,  # the caller of `scan`, be it the method or the function
                )
        return run.results


def start_run(
    source: Source,
    methods: str | Iterable[str],
    *,
    top_k: int,
    vectors: bool,
    workers: int | None,
    executor: Executor | None = None,
    memory: float | None = None,
    cache: object = True,
    cheap_first: bool = False,
) -> ScanRun:
    """Return a run with its arguments checked; nothing is read yet."""
    check_count("top_k", top_k, "how many singular values to list")
    if workers is not None:
        check_count("workers", workers, "how many layers to analyze at a time")
    check_executor(executor)
    check_memory(memory)
    if memory is None and executor is None:
        memory = default_budget()
    return ScanRun(
        source,
        resolve_methods(methods),
        top_k=top_k,
        vectors=vectors,
        workers=workers or default_at_hand(executor),
        executor=executor,
        memory=None if memory is None else int(memory),
        cache=open_cache(cache),
        cheap_first=cheap_first,
    )


def scan(
    model: Any,
    methods: str | Iterable[str] = "all",
    *,
    top_k: int = 10,
    vectors: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool = True,
    cancel: threading.Event | None = None,
) -> ScanResults:
    """Open `model` and analyze it: ``Scope(model).scan(...)``, with the same results and errors.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, path, address, hub id or Source
        As for `Scope`.
    methods, top_k, vectors, workers, executor, memory, cache, progress, cancel
        As for `Scope.scan`.

    Returns
    -------
    ScanResults
        ``results[layer][section][metric]``.

    Examples
    --------
    >>> results = scan({"layer.weight": torch.eye(3)}, progress=False)
    >>> results["layer"]["spectral"]["condition_number"]
    1.0
    """
    scope = Scope(model)
    run = start_run(
        scope.source,
        methods,
        top_k=top_k,
        vectors=vectors,
        workers=workers,
        executor=executor,
        memory=memory,
        cache=cache,
    )
    return scope._finish(run, progress, cancel)
