"""The fuzzer's targets on its seeds, on what it has found, and on damaged seeds."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .targets import TARGETS

SEEDS = {
    name: sorted((Path(__file__).parent / "corpus" / name).iterdir(), key=lambda path: path.name)
    for name in TARGETS
}


@pytest.mark.parametrize(
    "seed", [pytest.param(p, id=f"{name}-{p.name}") for name in SEEDS for p in SEEDS[name]]
)
def test_seeds(seed):
    TARGETS[seed.parent.name](seed.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_seeds(name, data):
    content = data.draw(st.sampled_from(SEEDS[name])).read_bytes()
    for _ in range(data.draw(st.integers(0, 4))):
        begin = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 1, 2, 8]))
        instead = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"\0", b"\n", b'"'])))
        content = content[:begin] + instead + content[begin + length :]
    TARGETS[name](content)
