from typing import final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

MOST_FEATURES: int

@final
class Slabs: ...

@final
class PackedTexts:
    def find(
        self,
        addresses: NDArray[np.uint64],
        sizes: NDArray[np.int64],
        rows: NDArray[np.uint64],
    ) -> None: ...

def pack_texts(
    hasher: int, slabs: Slabs, piece: Buffer, delimiter: int, column: int
) -> PackedTexts: ...
