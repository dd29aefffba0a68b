"""The typed schema: one module a section. The string under a field is the only place that
describes it; `rnnexp schema`, the reference page and error messages read it from there.
"""

from rnnexp.config.experiment_settings import Experiment

__all__ = ["Experiment"]
