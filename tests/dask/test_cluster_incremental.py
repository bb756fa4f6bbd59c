"""dask-ml's Incremental, where it is installed."""

import numpy as np
import pytest
from cluster_data import bits, zipf

pytest.importorskip("distributed", reason="the extra [dask] is not installed")
import dask.array as da

import fastada
from fastada.dask import AdaGradClassifier


@pytest.mark.parametrize("kind", [AdaGradClassifier, fastada.AdaGradClassifier])
def test_incremental(client, kind):
    wrappers = pytest.importorskip("dask_ml.wrappers", reason="dask-ml is not installed")
    X, y = zipf()
    dense = X.toarray()
    parameters = dict(learning_rate=1.0, initial_accumulator=0.1)
    expected = fastada.AdaGradClassifier(**parameters)
    for begin in range(0, len(y), 400):
        block = slice(begin, begin + 400)
        expected.partial_fit(dense[block], y[block], classes=["no", "yes"])
    model = wrappers.Incremental(kind(**parameters), shuffle_blocks=False)
    blocks, labels = da.from_array(dense, chunks=(400, -1)), da.from_array(y, chunks=400)
    model.fit(blocks, labels, classes=["no", "yes"])
    assert bits(model.estimator_) == bits(expected)
    np.testing.assert_array_equal(model.predict(blocks).compute(), expected.predict(dense))
