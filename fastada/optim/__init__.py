"""Optimizers for dense and sparse gradients, exact where a sparse gradient leaves weights out.

Each takes ``update(params, grads)`` with dicts of name to array; see `AdaGrad`.
"""

from fastada.optim.adagrad import AdaGrad
from fastada.optim.averages import AdaDelta, Adam, RMSProp
from fastada.optim.momentum import SGD, Momentum

__all__ = ["SGD", "AdaDelta", "AdaGrad", "Adam", "Momentum", "RMSProp"]
