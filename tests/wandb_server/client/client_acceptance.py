"""What a sweep workflow does with wandb, in one script for any of its versions.

Run by the interpreter of an environment with some version of wandb, in an empty folder, with the
server's environment set. It fails with an assertion where a step does not do what it should.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import wandb

_TRAIN = """
import wandb
with wandb.init() as run:
    for epoch in range(3):
        run.log({"acc": run.config["lr"] * (epoch + 1), "deep": run.config["model"]["units"]})
"""
_SWEEP = """
program: train.py
method: random
run_cap: 2
metric: {name: acc, goal: maximize}
parameters:
  lr: {distribution: log_uniform_values, min: 0.001, max: 1.0}
  model: {parameters: {units: {values: [8, 16]}}}
"""


def log_a_run() -> str:
    """Everything that one run logs, its artifact with it."""
    with wandb.init(config={"lr": 0.1, "nested": {"a": [1, 2]}}, name="first", tags=["t"],
                    group="g", job_type="train", notes="n") as run:  # fmt: skip
        for i in range(4):
            run.log({"loss": 1 / (i + 1), "i": i})
        run.log({"picture": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8))})
        run.log({"table": wandb.Table(columns=["a"], data=[[1], [2]])})
        run.log({"cm": wandb.plot.confusion_matrix(y_true=[0, 1], preds=[0, 0])})
        run.summary["best"] = 0.25
        Path("kept.txt").write_text("kept")
        run.save("kept.txt", policy="now")
        artifact = wandb.Artifact("model", "model", metadata={"x": 1})
        with artifact.new_file("weights.txt") as file:
            file.write("weights")
        logged = run.log_artifact(artifact, aliases=["best", "latest"]).wait()
        assert logged.version == "v0"
        return str(run.id)


def resume_it(run_id: str) -> None:
    with wandb.init(id=run_id, resume="must") as run:
        assert run.starting_step == 7, run.starting_step
        run.log({"loss": 0.125, "i": 4})
        used = run.use_artifact("model:best")
        folder = Path(used.download(root="back"))
        assert (folder / "weights.txt").read_text() == "weights"


def read_it_back(run_id: str) -> None:
    api = wandb.Api()
    (run,) = api.runs("gradsweep", filters={"config.lr": {"$lt": 0.5}, "tags": "t"})
    assert (run.id, run.name, run.state, run.group) == (run_id, "first", "finished", "g")
    assert run.config["nested"] == {"a": [1, 2]}
    assert run.summary["best"] == 0.25
    losses = [1.0, 0.5, 1 / 3, 0.25, 0.125]
    assert [row["loss"] for row in run.scan_history(keys=["loss"])] == losses
    assert [row["loss"] for row in run.history(keys=["loss"], pandas=False)] == losses
    assert len(list(run.scan_history(page_size=2))) == 8
    files = [file.name for file in run.files()]
    assert "kept.txt" in files, files
    assert any(name.startswith("media/images/picture") for name in files), files
    assert run.file("kept.txt").download(root="files", replace=True).read() == "kept"
    names = [a.name for a in run.logged_artifacts()]
    assert "model:v0" in names, names
    assert [a.name for a in run.used_artifacts()] == ["model:v0"]
    assert api.artifact("gradsweep/model:latest").metadata == {"x": 1}
    run.tags.append("later")
    run.summary["more"] = 1
    run.update()
    assert wandb.Api().run(f"gradsweep/{run_id}").tags == ["t", "later"]


def sweep() -> None:
    Path("train.py").write_text(_TRAIN)
    Path("sweep.yaml").write_text(_SWEEP)
    found = re.search(r"wandb agent (\S+)", _wandb("sweep", "sweep.yaml"))
    assert found, "wandb sweep names the agent's command"
    _wandb("agent", found[1])
    swept = wandb.Api().sweep(found[1])
    assert swept.state == "FINISHED", swept.state
    assert len(swept.runs) == 2
    assert swept.best_run().summary["acc"] == max(run.summary["acc"] for run in swept.runs)
    assert {run.config["model"]["units"] for run in swept.runs} <= {8, 16}


def _wandb(*arguments: str) -> str:
    # Older clients leave the address of this process's service there, which is not the command's.
    environment = {k: v for k, v in os.environ.items() if k != "WANDB_SERVICE"}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "wandb"), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


if __name__ == "__main__":
    run = log_a_run()
    resume_it(run)
    read_it_back(run)
    sweep()
    print("accepted", wandb.__version__)
