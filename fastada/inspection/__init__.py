"""Pictures of fitted models, in the manner of scikit-learn's displays. They need matplotlib."""

from fastada.inspection.learning_rate import LearningRateDisplay
from fastada.inspection.loss_curve import LossCurveDisplay
from fastada.inspection.top_features import TopFeaturesDisplay

__all__ = ["LearningRateDisplay", "LossCurveDisplay", "TopFeaturesDisplay"]
