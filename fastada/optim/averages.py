"""Optimizers that forget: decaying averages in place of AdaGrad's sum."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from fastada.optim.optimizer import Optimizer


@dataclass(frozen=True, eq=False)
class RMSProp(Optimizer):
    r"""RMSProp: AdaGrad with a decaying average of squared gradients.

    .. math::

        s \leftarrow \rho s + (1 - \rho) g^2, \qquad
        \theta \leftarrow \theta - \frac{\eta g}{\sqrt s + \epsilon}

    A weight with a zero gradient stands still while its average decays. For weights that a
    CSR gradient does not visit, the decay is made up for at the next visit.

    Parameters
    ----------
    learning_rate : float
        η.
    rho : float in [0, 1), default=0.9
        ρ.
    epsilon : float, default=1e-7
        ε, outside the root.

    References
    ----------
    Tieleman, Hinton. Lecture 6.5 of Neural Networks for Machine Learning (2012).
    """

    learning_rate: float
    rho: float = 0.9
    epsilon: float = 1e-7

    _algorithm: ClassVar[str] = "rmsprop"
    _slot_names: ClassVar[tuple[str, ...]] = ("mean_square",)


@dataclass(frozen=True, eq=False)
class AdaDelta(Optimizer):
    r"""AdaDelta: steps in proportion to the size of past steps.

    .. math::

        s \leftarrow \rho s + (1 - \rho) g^2, \quad
        d = \frac{\sqrt{u + \epsilon}}{\sqrt{s + \epsilon}} g, \quad
        u \leftarrow \rho u + (1 - \rho) d^2, \quad
        \theta \leftarrow \theta - \eta d

    A weight with a zero gradient stands still while both of its averages decay. For weights
    that a CSR gradient does not visit, the decay is made up for at the next visit.

    Parameters
    ----------
    learning_rate : float, default=1.0
        η; the paper has 1.
    rho : float in [0, 1), default=0.95
        ρ.
    epsilon : float, default=1e-6
        ε, inside both roots.

    References
    ----------
    Zeiler. ADADELTA: An Adaptive Learning Rate Method. arXiv:1212.5701 (2012).
    """

    learning_rate: float = 1.0
    rho: float = 0.95
    epsilon: float = 1e-6

    _algorithm: ClassVar[str] = "adadelta"
    _slot_names: ClassVar[tuple[str, ...]] = ("mean_square", "mean_square_step")


@dataclass(frozen=True, eq=False)
class Adam(Optimizer):
    r"""Adam: averages of gradients and of their squares, corrected for their start from zero.

    At the parameter's step t,

    .. math::

        m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
        s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \quad
        \theta \leftarrow \theta - \eta \frac{m / (1 - \beta_1^t)}
                                     {\sqrt{s / (1 - \beta_2^t)} + \epsilon}.

    A weight with a zero gradient goes on by its average. For weights that a CSR gradient
    does not visit, those steps are made up for at the next visit or by `flush`, to rounding:
    this is the Adam of the paper, unlike "lazy" or "sparse" variants, for which the weights
    left out stand still.

    Parameters
    ----------
    learning_rate : float
        η.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        β1, β2, with β1 < sqrt(β2): where squares are forgotten faster than gradients, the steps
        of a weight that gets no gradient any more grow.
    epsilon : float, default=1e-8
        ε, outside the root of the corrected average.

    References
    ----------
    Kingma, Ba. Adam: A Method for Stochastic Optimization. ICLR (2015), Algorithm 1.
    """

    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    _algorithm: ClassVar[str] = "adam"
    # The way that a weight still goes if it gets no gradient any more, over η; 0 for not known.
    _slot_names: ClassVar[tuple[str, ...]] = ("mean", "mean_square", "way_left")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.beta_1 < sqrt(self.beta_2):
            raise ValueError(
                f"beta_1 must be below the root of beta_2; beta_1={self.beta_1!r}, "
                f"beta_2={self.beta_2!r}"
            )
