"""From numbers to judgement: thresholds, classes, verdicts, and what chance alone would give."""

from weightscope_widget.assessment.baselines import gaussian_baseline
from weightscope_widget.assessment.classes import CLASSES, classify
from weightscope_widget.assessment.thresholds import Thresholds
from weightscope_widget.assessment.verdicts import GRADES, grade, health, risk

__all__ = ["CLASSES", "GRADES", "Thresholds", "classify", "gaussian_baseline", "grade", "health", "risk"]
