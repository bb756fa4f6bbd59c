"""From files to a model and to predictions: bounded memory, no scikit-learn."""
