"""Network architectures: a RunConfig and the facts of a data set become a Keras model."""

from src.architectures.registry import build_model

__all__ = ["build_model"]
