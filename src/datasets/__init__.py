"""Data sets: a catalogue of facts, a verified cache of raw files, arrays by name."""

from src.datasets.catalogue import CATALOGUE
from src.datasets.loading import fetch, load_test, load_training
from src.datasets.spec import InputSpec, Split, TrainingData

__all__ = [
    "CATALOGUE",
    "InputSpec",
    "Split",
    "TrainingData",
    "fetch",
    "load_test",
    "load_training",
]
