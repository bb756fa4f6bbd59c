"""Models on disk: one safetensors file each. Reading one runs no code.

Importing this package loads NumPy alone; scikit-learn comes with the first estimator.
"""

from fastada.persistence.container import FORMAT_VERSION, ModelFileError

__all__ = ["FORMAT_VERSION", "ModelFileError"]
