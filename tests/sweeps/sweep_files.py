"""A good sweep file, and what is read from a text."""

from pathlib import Path

from src.sweeps.definition import SweepDefinition, load_definition

GOOD = """\
program: src/train.py
method: bayes
metric:
  name: val_accuracy
  goal: maximize
early_terminate:
  type: hyperband
  min_iter: 2
parameters:
  dataset:
    value: synthetic
  optimizer:
    values: [sgd, adam]
  learning_rate:
    distribution: log_uniform_values
    min: 0.0001
    max: 0.1
"""


def load(folder: Path, text: str) -> SweepDefinition:
    file = folder / "sweep.yaml"
    file.write_text(text)
    return load_definition(file)
