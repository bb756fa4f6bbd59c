"""AdaGrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fastada.optim.optimizer import Optimizer


@dataclass(frozen=True, eq=False)
class AdaGrad(Optimizer):
    r"""AdaGrad: every weight steps by its gradient over the norm of its past gradients.

    For a weight :math:`\theta` with gradient :math:`g`,

    .. math::

        r \leftarrow r + g^2, \qquad
        u = \theta - \frac{\eta}{\epsilon + \sqrt r} g, \qquad
        \theta \leftarrow \frac{\operatorname{sign}(u) \max(|u| - \kappa \lambda_1, 0)}
                               {1 + \kappa \lambda_2}, \quad
        \kappa = \frac{\eta}{\epsilon + \sqrt r}.

    The last is the proximal step of composite mirror descent; without penalty,
    :math:`\theta \leftarrow u`. A weight with a zero gradient takes the proximal step alone. For
    weights that a CSR gradient does not visit, those steps are taken together at the
    weight's next visit or by `flush`, in closed form, with the same result.

    Parameters
    ----------
    learning_rate : float, default=0.01
        η.
    epsilon : float, default=1e-7
        ε, outside the root.
    l1, l2 : float, default=0.0
        λ1, λ2: the objective is the loss plus λ1 |θ| plus λ2 θ² / 2.
    initial_accumulator : float, default=0.0
        What r starts from. With a penalty, from 0 the proximal steps of a weight that no gradient
        has visited are η / ε wide, and set it to zero.

    References
    ----------
    Duchi, Hazan, Singer. Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization. JMLR 12 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from fastada.optim import AdaGrad
    >>> params = {"w": np.zeros(4)}
    >>> optimizer = AdaGrad(learning_rate=0.5)
    >>> optimizer.update(params, {"w": csr_array([[0.0, 2.0, 0.0, -3.0]])})["w"].round(3)
    array([ 0. , -0.5,  0. ,  0.5])
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-7
    l1: float = 0.0
    l2: float = 0.0
    initial_accumulator: float = 0.0

    _algorithm: ClassVar[str] = "adagrad"
    _slot_names: ClassVar[tuple[str, ...]] = ("sum_of_squares",)

    @property
    def _is_lazy(self) -> bool:
        return self.l1 > 0 or self.l2 > 0

    @property
    def _initial_value(self) -> float:
        return self.initial_accumulator
