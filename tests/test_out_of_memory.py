"""Out of memory in the middle of training: an error, and an estimator that is of use."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
import scipy.sparse as sp
from fastada import AdaGradClassifier

def allow(n_bytes):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes if n_bytes else hard, hard))

def refused(*arguments, **validation):
    try:
        model.fit(*arguments, **validation)
    except MemoryError:
        return True

rng = np.random.default_rng(0)
X = sp.random_array((200, 1 << 22), density=1e-5, rng=rng, format="csr")
y = rng.integers(2, size=200)
model = AdaGradClassifier(random_state=0, max_iter=3, learning_rate=0.5).fit(X, y)
before = model.coef_.tobytes()
size = model._state.records.nbytes

# No room to begin: nothing has changed.
allow(size // 2)
assert refused(X, y)
allow(0)
assert model.coef_.tobytes() == before

# Room for the weights, and none for the copy of the best epoch's, wherever it runs out.
for room in range(5, 30, 3):
    allow(size * room // 10)
    failed = refused(X, y, X_val=X, y_val=y)
    allow(0)
    assert failed or room > 15, room
    assert np.isfinite(model.coef_).all()
    model.predict(X)
    model.partial_fit(X, y)
assert model.fit(X, y).coef_.tobytes() == before
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
@pytest.mark.skipif("san" in os.environ.get("LD_PRELOAD", ""), reason="sanitizers map terabytes")
def test_estimator_is_of_use_afterwards():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
