"""What a run measures, once an epoch."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch of a run: exactly one of these is logged an epoch.

    Attributes:
        epoch: Counts from 1.
        loss: Mean training loss over the epoch, each batch's before its step; without the L2
            penalty, as ``val_loss``.
        accuracy: Share of training examples classified right during the epoch.
        val_loss: Mean validation loss after the epoch, without the penalty.
        val_accuracy: Validation accuracy after the epoch.
        best_val_accuracy: The best ``val_accuracy`` so far.
        learning_rate: Step size at the epoch's end.
        grad_norm: Global L2 norm of the gradient at the epoch's last step.
        weight_norm: Global L2 norm of the trainable weights after it.
        update_norm: Global L2 norm of what that step changed in the weights.
        examples_per_second: Training examples a second, validation not counted.
        penalty: The L2 penalty of the weights after the epoch; 0 without one, and in epochs of
            earlier versions, whose ``loss`` included it.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    best_val_accuracy: float
    learning_rate: float
    grad_norm: float
    weight_norm: float
    update_norm: float
    examples_per_second: float
    penalty: float = 0.0


METRIC_NAMES = tuple(field.name for field in fields(EpochMetrics))
