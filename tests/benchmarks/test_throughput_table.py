"""What the throughput tables say, and when ways are told to compute different things."""

from typing import Any

import pytest

from benchmarks.throughput_table import differing, tables


def row(*seconds: float, note: str = "", loss: float = 2.0) -> dict[str, Any]:
    return {
        "seconds": list(seconds),
        "note": note,
        "first_losses": [loss, loss],
        "first_epoch": {"loss": loss, "accuracy": 0.5},
    }


def measurement(**rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "machine": {"processor": "A CPU", "cores": 2, "load": 0.5, "python": "3.12.0"},
        "versions": {"PyTorch": "2", "Keras": "3"},
        "peak": {"float32": 1e9},
        "tables": [
            {
                "family": "mlp",
                "title": "An MLP",
                "examples": 1000,
                "batch_size": 64,
                "precision": "float32",
                "training_flops": 250_000,
                "rows": rows,
            }
        ],
    }


def lines(measured: dict[str, Any]) -> list[str]:
    """Those of the folded table, without its head."""
    _, folded = tables(measured).split("<details>")
    return [line for line in folded.splitlines() if line.startswith("|")][2:]


def ratios(text: str) -> list[str]:
    """The lines of the first table of a precision's part."""
    return [line for line in text.split("<details>")[0].splitlines() if line.startswith("|")]


def test_a_table_has_median_spread_ratios_and_share_of_the_peak() -> None:
    measured = measurement(
        keras=row(1.0, 2.0, 1.0),
        torch=row(0.5, 1.0, 0.5),
        gradsweep=row(0.25, 0.5, 1.0, note="XLA"),
    )
    assert lines(measured) == [
        "| Keras `fit` | 1,000 | 500 - 1,000 | 1.00 | 4.00 | 25% |",
        "| PyTorch, fused Adam | 2,000 | 1,000 - 2,000 | 2.00 | 2.00 | 50% |",
        "| Gradsweep (XLA) | 2,000 | 1,000 - 4,000 | 4.00 |  | 50% |",
    ]
    assert tables(measured).startswith(
        "A CPU, 2 cores, load 0.5 at the start; Python 3.12.0, Keras 3, PyTorch 2. "
        "Matrix-multiply peak: 1 GFLOP/s in float32."
    )


def test_a_way_that_failed_is_in_the_table_with_its_reason() -> None:
    failed = {"error": "no compiler | found"}
    assert lines(measurement(keras=row(1.0), torch_compiled=failed))[1] == (
        "| PyTorch, `torch.compile` | failed: no compiler \\| found | | | | |"
    )


def test_the_first_table_has_gradsweep_s_ratios() -> None:
    measured = measurement(keras=row(1.0, 2.0, 1.0), jax={"error": "x"}, gradsweep=row(0.25, 1, 1))
    assert ratios(tables(measured)) == [
        "| Gradsweep against | mlp |",
        "|---|--:|",
        "| Keras `fit` | 2.00 |",
        "| Gradsweep, examples/s | 1,000 |",
    ]


def test_another_precision_is_compared_with_float32_too() -> None:
    measured = measurement(keras=row(1.0), gradsweep=row(0.5))
    (plain,) = measured["tables"]
    half = {"keras": row(2.0), "gradsweep": row(0.4)}
    measured["tables"].append(plain | {"precision": "bfloat16", "rows": half})
    measured["peak"]["bfloat16"] = 2e9
    assert ratios(tables(measured).split("**bfloat16**")[1])[2:] == [
        "| Keras `fit` | 5.00 |",
        "| Keras `fit` in float32 | 2.50 |",
        "| Gradsweep in float32 | 1.25 |",
        "| Gradsweep, examples/s | 2,500 |",
    ]


def test_without_keras_or_gradsweep_there_are_no_ratios() -> None:
    assert lines(measurement(torch=row(1.0))) == [
        "| PyTorch, fused Adam | 1,000 | 1,000 - 1,000 |  |  | 25% |"
    ]


@pytest.mark.parametrize(("loss", "same"), [(2.0, True), (2.001, True), (2.01, False)])
def test_another_loss_is_another_computation(loss: float, same: bool) -> None:
    said = differing(measurement(keras=row(1.0), jax=row(1.0, loss=loss)))
    assert bool(said) is not same
    assert same or "JAX" in said[0]


def test_a_resnet_of_pytorch_has_a_tolerance_for_its_padding() -> None:
    rows = {"keras": row(1.0), "torch": row(1.0, loss=2.1), "jax": row(1.0, loss=2.1)}
    measured = measurement(**rows)
    measured["tables"][0]["family"] = "resnet"
    (said,) = differing(measured)
    assert "JAX" in said


def test_a_way_that_failed_is_not_compared() -> None:
    assert not differing(measurement(keras=row(1.0), torch={"error": "x"}))
    assert not differing(measurement(keras={"error": "x"}, torch=row(1.0)))
