"""The training kernels, as built for the CPU at hand.

On x86-64 setup.py compiles them, and that of combining replicas, twice: for any such CPU, and for
those with AVX2, where twice as many numbers fit an instruction. Both do the same operations in the
same order and give the same bits; no multiplication is fused with an addition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastada import _cpu

if TYPE_CHECKING or not _cpu.uses_avx2():
    from fastada import _merge as merge
    from fastada import _multi as multi
    from fastada import _single as single
else:
    from fastada import _merge_avx2 as merge
    from fastada import _multi_avx2 as multi
    from fastada import _single_avx2 as single

__all__ = ["merge", "multi", "single"]
