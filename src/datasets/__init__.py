"""Data sets: a catalogue of facts, a verified cache of raw files, arrays by name."""

from src.datasets.catalogue import CATALOGUE
from src.datasets.loading import decode_reviews, fetch, load_test, load_texts, load_training
from src.datasets.spec import InputSpec, Split, Texts, TrainingData

__all__ = [
    "CATALOGUE",
    "InputSpec",
    "Split",
    "Texts",
    "TrainingData",
    "decode_reviews",
    "fetch",
    "load_test",
    "load_texts",
    "load_training",
]
