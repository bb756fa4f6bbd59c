"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fastada.optim.optimizer import Optimizer


@dataclass(frozen=True, eq=False)
class SGD(Optimizer):
    r"""Stochastic gradient descent: :math:`\theta \leftarrow \theta - \eta g`.

    It keeps no state, and a weight with a zero gradient stands still.

    Parameters
    ----------
    learning_rate : float
        η.
    """

    learning_rate: float

    _algorithm: ClassVar[str] = "sgd"
    _slot_names: ClassVar[tuple[str, ...]] = ()

    @property
    def _is_lazy(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class Momentum(Optimizer):
    r"""Gradient descent with momentum.

    .. math::

        v \leftarrow \mu v - \eta g, \qquad
        \theta \leftarrow \theta + v,

    or with Nesterov's gradient :math:`\theta \leftarrow \theta + \mu v - \eta g` after the
    first. A weight with a zero gradient goes on by its momentum. For weights that a CSR
    gradient does not visit, k such steps are taken together at the next visit or by
    `flush`: v (μ + ... + μᵏ).

    Parameters
    ----------
    learning_rate : float
        η.
    momentum : float in [0, 1), default=0.9
        μ.
    nesterov : bool, default=False

    References
    ----------
    Polyak. Some methods of speeding up the convergence of iteration methods. USSR Computational
    Mathematics and Mathematical Physics 4 (1964). Sutskever, Martens, Dahl, Hinton. On the
    importance of initialization and momentum in deep learning. ICML (2013).
    """

    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False

    _algorithm: ClassVar[str] = "momentum"
    _slot_names: ClassVar[tuple[str, ...]] = ("velocity",)
