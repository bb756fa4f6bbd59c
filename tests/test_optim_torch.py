"""fastada.optim against torch's optimizers, on dense gradients and on sparse ones made dense.

The conventions agree: epsilon stands outside the root in Adagrad, RMSprop and Adam (there of the
corrected average) and inside both roots in Adadelta. Torch's momentum buffer is -v / rate.
"""

import numpy as np
import pytest
import scipy.sparse as sp

from fastada.optim import SGD, AdaDelta, AdaGrad, Adam, Momentum, RMSProp

torch = pytest.importorskip("torch", reason="torch is not installed")

PAIRS = {
    "SGD": (SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (Momentum(0.1, 0.8), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8)),
    "Nesterov": (
        Momentum(0.1, 0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "RMSprop": (
        RMSProp(0.01, rho=0.9, epsilon=1e-7),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-7),
    ),
    "Adadelta": (
        AdaDelta(0.5, rho=0.95, epsilon=1e-6),
        lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.95, eps=1e-6),
    ),
    "Adam": (
        Adam(0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8),
    ),
    "Adagrad": (
        AdaGrad(0.1, epsilon=1e-7, initial_accumulator=0.5),
        lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-7, initial_accumulator_value=0.5),
    ),
}


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", PAIRS)
def test_equals_torch(name, sparse):
    ours, make_theirs = PAIRS[name]
    ours = type(ours)(**ours.state_dict()["hyperparameters"])
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal((6, 50))}
    theirs = torch.tensor(params["w"].copy(), requires_grad=True)
    optimizer = make_theirs([theirs])
    for _ in range(200):
        gradient = rng.standard_normal((6, 50)) * (rng.random((6, 50)) < 0.1)
        ours.update(params, {"w": sp.csr_array(gradient) if sparse else gradient})
        theirs.grad = torch.tensor(gradient)
        optimizer.step()
    ours.flush(params)
    np.testing.assert_allclose(params["w"], theirs.detach().numpy(), rtol=1e-6, atol=1e-9)
