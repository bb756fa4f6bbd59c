"""scikit-learn's callback protocol, where the installed scikit-learn has it (1.9 and newer)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar, cast

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def _with_callbacks(method: Any) -> Any:
        return method


Method = TypeVar("Method", bound=Callable[..., Any])


def with_callbacks(method: Method) -> Method:
    """Have callbacks torn down however the method ends."""
    return cast(Method, _with_callbacks(method))


class EpochCallbacks:
    """Tells the callbacks of an estimator when its fit and each epoch begin and end.

    Parameters
    ----------
    estimator : estimator
    X, y : array-like
        The training data, for callbacks that ask for it.
    max_iter : int
    fitted : callable
        Gives the attributes that make a fitted copy of the estimator as it is now.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, max_iter: int, fitted: Callable[[], dict[str, Any]]
    ) -> None:
        self.data = {"estimator": estimator, "X": X, "y": y, "reconstruction_attributes": fitted}
        self.context = (
            estimator._init_callback_context(max_subtasks=max_iter)
            if hasattr(estimator, "_init_callback_context")
            else None
        )
        self.epoch: Any = nullcontext()
        if self.context is not None:
            self.context.call_on_fit_task_begin(**self.data)

    def epoch_begins(self) -> None:
        """Call the hooks for the beginning of an epoch."""
        if self.context is not None:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(**self.data)

    def epoch_ends(self) -> bool:
        """Call the hooks for the end of an epoch; True if a callback asks to stop."""
        return self.context is not None and bool(self.epoch.call_on_fit_task_end(**self.data))

    def fit_ends(self) -> None:
        """Call the hooks for the end of the fit."""
        if self.context is not None:
            self.context.call_on_fit_task_end(**self.data)
