"""The tables of scaling and start-up."""

from typing import Any

from matplotlib.colors import to_hex

from benchmarks import scaling_report, startup


def point(what: str, size: int, **seconds: list[float]) -> dict[str, Any]:
    rows = {way: {"seconds": values, "memory": 2**20} for way, values in seconds.items()}
    return {"what": what, "size": size, "examples": 1000, "rows": rows}


def test_scaling_has_time_per_example_and_memory() -> None:
    points = [point("width", 1024, keras=[0.002, 0.004, 0.002], gradsweep=[0.001] * 3)]
    failed = {"keras": {"memory": 300 * 2**20}, "gradsweep": {"error": "no"}}
    text = scaling_report.tables({"examples": 1000, "points": points, "memory": {"cnn": failed}})
    assert "| width | 1,024 | 2.0 | 1.0 | 2.0 |" in text
    assert "| cnn | 300 | failed |" in text


def test_the_figure_has_a_panel_for_all_that_grows_and_a_line_a_way() -> None:
    points = [
        point(what, size, keras=[0.004 * size], gradsweep=[0.001 * size])
        for what in ("width", "depth")
        for size in (1, 2)
    ]
    drawn = scaling_report.figure(points).axes
    assert [panel.get_xlabel() for panel in drawn] == [
        "width (units in each layer)",
        "depth (hidden layers)",
    ]
    for panel in drawn:
        lines: Any = panel.get_lines()
        keras, ours = lines
        assert list(keras.get_xdata()) == [1, 2]
        assert list(keras.get_ydata()) == [4.0, 8.0]
        assert list(ours.get_ydata()) == [1.0, 2.0]
        assert to_hex(keras.get_color()) != to_hex(ours.get_color())


def test_start_up_has_every_part_and_their_sum() -> None:
    start = {"python": 0.1, "imports": 2.0, "data": 0.5, "build": 0.25, "first steps": 1.15}
    families = {"mlp": {"keras": [start], "gradsweep": [start | {"wandb": 1.0}]}}
    families["cnn"] = {"keras": []}
    keras, ours, failed = startup.table(families).splitlines()[-3:]
    assert failed == "| cnn | Keras `fit` | failed |"
    assert keras == "| mlp | Keras `fit` | 0.10 | 2.00 | 0.50 |  | 0.25 | 1.15 | 4.0 | 4.0 - 4.0 |"
    assert ours == "| mlp | Gradsweep | 0.10 | 2.00 | 0.50 | 1.00 | 0.25 | 1.15 | 5.0 | 5.0 - 5.0 |"
