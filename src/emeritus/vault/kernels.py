"""Chooses between the kernels with NumPy and, where it is installed, those with Numba.

Both write the same bytes; Numba is the faster. It takes a second to load, so it is asked for only
when there is enough to do (`hasten`).
"""

import functools
import threading
from typing import Final

from emeritus.vault.numpy_kernels import Kernels, NumpyKernels

WORTH_LOADING: Final = 256 * 1024 * 1024
"""Bytes of work from which Numba's loading time pays."""

_lock = threading.Lock()


@functools.cache
def _numba() -> Kernels | None:
    try:
        from emeritus.vault.numba_kernels import NumbaKernels
    except ImportError:
        return None
    return NumbaKernels()


_current: Kernels = NumpyKernels()


def hasten(size: int) -> None:
    """Use Numba from now on, when it is installed and `size` bytes of work make that pay."""
    global _current  # noqa: PLW0603  one choice a process, made by whoever has much to do
    if size >= WORTH_LOADING:
        with _lock:
            _current = _numba() or _current


def rest() -> None:
    """Use NumPy from now on."""
    global _current  # noqa: PLW0603  see above
    with _lock:
        _current = NumpyKernels()


def current() -> Kernels:
    """Return the kernels in use."""
    return _current
