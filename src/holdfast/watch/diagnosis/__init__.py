"""Which components are at fault, from what was tried: exact inference over the dependency map."""

from holdfast.watch.diagnosis.evidence import Evidence, Outcome, gather
from holdfast.watch.diagnosis.inference import Cause, Diagnosis, Hypothesis, Verdict, diagnose

__all__ = ["Cause", "Diagnosis", "Evidence", "Hypothesis", "Outcome", "Verdict", "diagnose", "gather"]
