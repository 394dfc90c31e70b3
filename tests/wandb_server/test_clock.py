"""Whoever sets the system's clock, and however far, changes nothing but dates."""

import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from src.shared.paths import ROOT
from src.wandb_server.dashboard.listing import run_seconds
from src.wandb_server.dashboard.sweeps import sweep_page
from src.wandb_server.scheduling import scheduler
from src.wandb_server.store import sweeps
from tests.wandb_server.scheduling.scheduler_world import CRASH_AFTER, World

_DAY = 86_400.0
_READS_THE_CLOCK = re.compile(r"time\.time(_ns)?\(|datetime\.(now|utcnow|today)\(|date\.today\(")


class _Wall:
    """The system's wall clock, which is set again and again."""

    def __init__(self, jumps: tuple[float, ...]) -> None:
        self._jumps = cycle(jumps)
        self.off = 0.0

    def jump(self) -> None:
        self.off += next(self._jumps)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Everything of the server that asks for it is told this one."""
        wall, real = self, time.time

        class Jumping(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return datetime.fromtimestamp(real() + wall.off, tz)

        patch.setattr(time, "time", lambda: real() + wall.off)
        for name, module in list(sys.modules.items()):
            if name.startswith("src.") and getattr(module, "datetime", None) is datetime:
                patch.setattr(module, "datetime", Jumping)


def _steps(world: World) -> Iterator[Any]:
    """A sweep that has something of everything; each step gives what it was answered."""
    sweep = world.sweep(
        method="bayes",
        seed=1,
        run_cap=6,
        early_terminate={"type": "hyperband", "min_iter": 2, "eta": 2},
    )
    agents = [world.agent(sweep) for _ in range(3)]
    names = [world.take(agent) for agent in agents]
    for agent, name in zip(agents, names, strict=True):
        yield world.beat(agent, name)
    for name, value in zip(names, (0.9, 0.8, 0.1), strict=True):
        yield world.speak(name, value)
        yield world.speak(name, value)
    yield world.beat(agents[2], names[2])  # it is stopped early
    world.finish(names[2])
    yield None
    world.wait(CRASH_AFTER - 1)
    yield world.beat(agents[0], names[0])
    world.wait(2)
    world.scheduler.crash_silent_runs()  # of the second one nothing was heard
    yield None
    retry = world.take(agents[2])
    yield world.speak(retry, 0.7)
    yield world.speak(names[1], 0.85)  # but now
    yield world.beat(agents[2], retry)
    world.finish(retry)
    yield None
    for name in names[:2]:
        world.finish(name)
        yield None
    while True:
        commands = world.beat(agents[0])
        yield commands
        if commands[0]["type"] == "exit":
            return
        world.speak(commands[0]["run_id"], 0.5)
        world.finish(commands[0]["run_id"], exitcode=1)


def _outcome(
    folder: Path, patch: pytest.MonkeyPatch, jumps: tuple[float, ...]
) -> tuple[list[Any], dict[str, Any]]:
    """What everybody was told, and what is stored of it but for the dates."""
    folder.mkdir()
    numbers, wall = count(), _Wall(jumps)
    for module in (scheduler, sweeps):
        patch.setattr(module, "new_name", lambda: f"name{next(numbers)}")
    wall.install(patch)
    world = World(folder)
    answers = []
    for answer in _steps(world):
        answers.append(answer)
        wall.jump()
    (sweep,) = world.store.sweeps.of_project(world.project.id)
    runs = world.store.runs.of_sweep(sweep.id)
    assert all(0 <= (run_seconds(run) or 0) < 60 for run in runs)
    page = sweep_page(world.server, world.project, sweep, QueryParams())
    assert 0 <= page["seconds"] < 60
    stored = {
        "sweep": vars(sweep),
        "runs": [dict(vars(run)) for run in runs],
        "agents": [dict(vars(agent)) for agent in world.store.sweeps.agents(sweep.id)],
    }
    return answers, _undated(stored)


def _undated(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _undated(v) for k, v in value.items() if not k.endswith("_at")}
    return [_undated(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("jumps", [(_DAY,), (-_DAY,), (_DAY, -2 * _DAY), (3600, -3600), (-1e8,)])
def test_a_clock_that_jumps_changes_no_state_and_no_duration(
    tmp_path: Path, jumps: tuple[float, ...]
) -> None:
    outcomes = []
    for name, some in (("still", (0.0,)), ("jumping", jumps)):
        with pytest.MonkeyPatch.context() as patch:
            outcomes.append(_outcome(tmp_path / name, patch, some))
    assert outcomes[0] == outcomes[1]


def test_a_clock_that_was_set_back_before_a_restart_makes_no_duration_negative(
    world: World,
) -> None:
    sweep = world.sweep()
    name = world.take(world.agent(sweep))
    world.speak(name, 0.5)
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    world.store.runs.update(world.run(name).id, created_at=later)
    assert run_seconds(world.run(name)) == 0


# Who reads the system's wall clock, and what for.
READERS = {
    "src/shared/hangup.py": "a log's name and its first line",
    "src/shared/tickets.py": "the day on which a link or a login ends, after a restart as well",
    "src/wandb_server/clock.py": "the date at which the server started",
    "src/wandb_server/http/caretaker.py": "whether there is a backup of today",
    "src/wandb_server/maintenance.py": "the name of what a backup has replaced",
    "src/wandb_server/store/backups.py": "the names of backups, which say their date",
}


def test_the_wall_clock_is_read_for_dates_only() -> None:
    sources = [ROOT / "run_sweep.py", *(ROOT / "src").rglob("*.py")]
    readers = {p for p in sources if _READS_THE_CLOCK.search(p.read_text())}
    assert {str(path.relative_to(ROOT)) for path in readers} == set(READERS)
