"""The scan from Python: ``scan(model)``."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

from weightscope_widget.scanning.options import run_options
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.scanning.run import ScanRun

__all__ = ["scan"]


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
    """Analyze every weight of two or more dimensions.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, path, Source or Scope
        A live module, a state dict, a file or folder of weights, a Hugging Face id, or the address of safetensors
        elsewhere.  Files are read tensor by tensor.
    methods : str or iterable of str
        Any of ``"basic_stats"``, ``"spectral"``, ``"quantization"`` (INT8, per tensor), ``"sparsity"`` and
        ``"schemes"`` (other quantization schemes), or ``"all"``.
    top_k : int
        How many of the largest singular values to list per layer.
    vectors : bool
        List 1-D tensors (norms, biases) too, with basic statistics.
    workers : int, optional
        How many layers are analyzed at a time; by default as many as there are cores, at most 8.  With an executor, how
        many are given to it at a time; by default four per core of this machine, so give about twice the number of its
        workers.
    executor : Executor, optional
        Does the work instead of threads of this process: a ``ProcessPoolExecutor``, Dask's ``client.get_executor()``,
        or any other `concurrent.futures.Executor`.  Its workers open the files themselves, under the same paths; of a
        model in memory, the tensors are sent to them.  It is not shut down.
    memory : float, optional
        Bytes, such as ``4e9``, that the layers being analyzed may need together, by estimate; one that needs more is
        analyzed alone.  By default half of what is available now, and with an executor no limit.
    cache : bool or path-like
        Whether the sections, spectra and histograms of layers in files are remembered for the next run, and where: True
        for the directory that the environment variable ``WEIGHTSCOPE_CACHE`` names (``off``: nowhere), or else the
        user's cache directory.  A file that has changed is analyzed again.  Models in memory are never remembered.
    progress : bool
        Show a progress bar.
    cancel : threading.Event, optional
        Set it from another thread to stop the scan after the layers being analyzed; from an executor, those that have
        not begun are taken back.

    Returns
    -------
    ScanResults
        ``results[layer][section][metric]``.  After a cancel, or an interrupt (which also warns), what was computed
        until then.

    Raises
    ------
    UnknownMethodError, InvalidArgumentError, NoWeightsError
        An argument is wrong, there is nothing to analyze, or the model cannot be sent to the executor.
    WeightScopeError
        Another of its kinds: the model cannot be read.

    Warns
    -----
    ScanInterruptedWarning
        The scan was interrupted from the keyboard.
    ExecutorLostWarning
        The executor broke or was closed, and threads of this process did the rest.
    CacheWarning
        Nothing can be remembered, or what was cannot be read; the scan goes on without.

    Examples
    --------
    >>> results = scan({"layer.weight": torch.eye(3)}, progress=False)
    >>> results["layer"]["spectral"]["condition_number"]
    1.0
    """
    options = run_options(methods, top_k, vectors, workers, executor, memory, cache)
    return ScanRun(model, options).finish(progress=progress, cancel=cancel)
