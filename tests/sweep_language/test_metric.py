"""Which way a metric is better: the sweep says so, or else the words of its name."""

import pytest

from src.sweep_language.metric import Goal, usual_goal


@pytest.mark.parametrize(
    ("goal", "names"),
    [
        (
            Goal.MAXIMIZE,
            "accuracy val_accuracy best_val_accuracy val/acc1 top_5_accuracy valAccuracy",
        ),
        (
            Goal.MAXIMIZE,
            "test.F1Score f1 macro-F1 mAP auc_1 ROUGE-L R2 episode_reward mean_return IoU",
        ),
        (Goal.MAXIMIZE, "examples_per_second precision@10 epoch_accuracy"),
        (Goal.MINIMIZE, "loss val_loss train_loss_epoch train/loss_step valLoss loss_2 log_loss"),
        (Goal.MINIMIZE, "cross_entropy crossentropy val_cross_entropy nll perplexity mae rmse MSE"),
        (Goal.MINIMIZE, "eval/top1_error time train_time seconds runtime CER latency.p99"),
        (None, "sometimes lossless glossary terror maestro accrual gauge policy_entropy"),
        (None, "learning_rate epoch weight_norm grad_norm penalty x score_loss"),
        (
            None,
            "loss_weight loss_scale reward_scale best_loss_epoch time_step timesteps error_count",
        ),
        (None, "损失 - 12 accuracy_time"),
    ],
)
def test_whole_words_of_a_name_tell_or_nothing_does(goal: Goal | None, names: str) -> None:
    assert {name: usual_goal(name) for name in names.split()} == dict.fromkeys(names.split(), goal)
