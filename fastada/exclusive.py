"""An object is trained by one thread at a time; a second one is told so."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from threading import get_ident
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])

# The thread that trains an object, and by which method, by the object's id. Kept outside of the
# object, whose copies and pickles are not being trained.
_trainers: dict[int, tuple[int, str]] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_trainers.clear)


def exclusive(method: Method) -> Method:
    """Let a method of an object, among all those marked so, run in one thread at a time.

    A thread that is in one of them may call another one. Raises RuntimeError in others.
    """

    @wraps(method)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        mine = get_ident(), method.__name__
        # dict.setdefault is atomic.
        trainer = _trainers.setdefault(id(self), mine)
        if trainer[0] != mine[0]:
            raise _in_use(self)
        try:
            return method(self, *args, **kwargs)
        finally:
            if trainer is mine:
                # Gone where this thread has forked in between, in the child.
                _trainers.pop(id(self), None)

    return cast(Method, guarded)


def check_not_trained_elsewhere(estimator: Any, by: tuple[str, ...] = ()) -> None:
    """Raise RuntimeError if another thread trains the object, by any method or one of these."""
    thread, method = _trainers.get(id(estimator), (get_ident(), ""))
    if thread != get_ident() and (not by or method in by):
        raise _in_use(estimator)


def _in_use(estimator: Any) -> RuntimeError:
    return RuntimeError(
        f"this {type(estimator).__name__} is being trained by another thread: wait for it, or "
        "give each thread an estimator of its own (sklearn.base.clone)"
    )
