import numpy as np
import pytest
import scipy.sparse as sp

import fastada.memory
from fastada import AdaGradClassifier
from fastada.memory import LARGE_PAGE, aligned_zeros, memory_limit


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(fastada.memory, "CONTAINER_LIMITS", (tmp_path / "missing", limit))
    limit.write_text("max\n")
    of_machine = memory_limit()
    assert of_machine > 2**20
    limit.write_text("1048576\n")
    assert memory_limit() == 2**20
    X = sp.csr_array((np.ones(2), ([0, 1], [0, 2**20 - 1])), shape=(2, 2**20))
    with pytest.raises(MemoryError, match="1,048,576"):
        AdaGradClassifier().fit(X, [0, 1])
    limit.write_text(f"{2**60}\n")
    assert memory_limit() == of_machine
    AdaGradClassifier(max_iter=1).fit(X, [0, 1])


@pytest.mark.parametrize(("n", "boundary"), [(1, 64), (2**18 - 1, 64), (2**18, LARGE_PAGE)])
def test_records_begin_on_boundaries(n, boundary):
    for _ in range(3):
        records = aligned_zeros((n, 2), np.dtype(np.float32))
        assert records.ctypes.data % boundary == 0
        assert records.shape == (n, 2)
        assert not records.any()
