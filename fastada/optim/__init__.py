"""Optimizers for dense and sparse gradients, exact where a sparse gradient leaves weights out.

Each takes ``update(params, grads)`` with dicts of name to array; see `AdaGrad`.
"""

from fastada.optim.adagrad import AdaGrad

__all__ = ["AdaGrad"]
