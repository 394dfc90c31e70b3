"""Terminal and dashboard count the same runs as stopped early: those that had more to do."""

import json
from collections.abc import Callable, Iterator

import pytest
import wandb
from starlette.datastructures import QueryParams

from src.sweeps.definition import SweepDefinition
from src.sweeps.monitor import describe
from src.sweeps.sweep import Sweep
from src.tracking.outcome import Outcome
from src.wandb_server.dashboard import words
from src.wandb_server.dashboard.sweep_charts import reached_brackets
from src.wandb_server.dashboard.sweeps import sweep_page
from src.wandb_server.scheduling.endings import stop_run
from src.wandb_server.scheduling.sweep_config import sweep_spec
from src.wandb_server.store.runs import Run
from src.wandb_server.store.sweeps import Sweep as StoredSweep
from tests.wandb_server.scheduling.scheduler_world import CRASH_AFTER, World
from tests.wandb_server.server_harness import ServerProcess

METRIC = {"name": "acc", "goal": "maximize"}
HYPERBAND = {"type": "hyperband", "min_iter": 2, "eta": 3}


class Life:
    """A run of a sweep from its start to its end."""

    def __init__(self, world: World, sweep: StoredSweep) -> None:
        self.world = world
        self.agent = world.agent(sweep)
        self.name = world.take(self.agent)
        world.beat(self.agent, self.name)

    def log(self, *values: float) -> None:
        self.world.speak(self.name, *values)

    def told(self) -> None:
        commands = self.world.beat(self.agent, self.name)
        assert commands == [{"type": "stop", "run_id": self.name}]

    def ask_to_stop(self) -> None:
        stop_run(self.world.store, self.world.run(self.name))

    def end(self, exitcode: int = 0, outcome: Outcome | None = None) -> None:
        """The last words: ours say how they ended, other programs do not."""
        if outcome is not None:
            said = {"outcome": outcome, "stopped_early": outcome is Outcome.STOPPED}
            file = {"wandb-summary.json": {"offset": 0, "content": [json.dumps(said)]}}
            self.world.speak(self.name, files=file)
        self.world.finish(self.name, exitcode)

    def fall_silent(self) -> None:
        self.world.wait(CRASH_AFTER + 1)
        self.world.scheduler.crash_silent_runs()


def _completed(life: Life) -> None:
    life.log(0.1, 0.1)
    life.told()  # of its last epoch: there was nothing left to stop
    life.end(outcome=Outcome.COMPLETED)


def _patience(life: Life) -> None:
    life.log(0.1, 0.1)
    life.told()
    life.end(outcome=Outcome.EARLY_STOPPING)


def _hyperband(life: Life) -> None:
    life.log(0.1, 0.1)
    life.told()
    life.end(outcome=Outcome.STOPPED)


def _of_others(life: Life) -> None:
    life.log(0.1, 0.1)
    life.told()
    life.end()


def _of_others_raising(life: Life) -> None:
    life.log(0.1, 0.1)
    life.told()
    life.end(exitcode=1)


def _killed(life: Life) -> None:
    life.log(0.1, 0.1)
    life.told()
    life.fall_silent()


def _of_others_ended_before(life: Life) -> None:
    life.log(0.1, 0.1)
    life.end()


def _on_request(life: Life) -> None:
    life.log(0.9)
    life.ask_to_stop()
    life.told()
    life.end(outcome=Outcome.STOPPED)


def _by_its_machine(life: Life) -> None:
    life.log(0.9)
    life.end(outcome=Outcome.STOPPED)


def _failed_before_it_was_told(life: Life) -> None:
    life.log(0.1, 0.1)
    life.end(exitcode=1)


def _plain(life: Life) -> None:
    life.log(0.9, 0.9, 0.9)
    life.end(outcome=Outcome.COMPLETED)


STOPPED = (
    "Stopped at bracket 2 (2 logged points): best acc 0.1 was below the 0.9 needed to stay in the"
    " top third"
)
LATE = "Ran to its end, before the verdict of bracket 2 could stop it"
# How a run lives, the word for how it stands, and how it ended.
LIVES: list[tuple[Callable[[Life], None], str, str]] = [
    (_plain, "finished", "Ran to its end"),
    (_completed, "finished", LATE),
    (_patience, "finished", LATE),
    (_hyperband, "stopped early", STOPPED),
    (_of_others, "stopped early", STOPPED),
    (_of_others_raising, "stopped early", STOPPED),
    (_killed, "stopped early", STOPPED),
    (
        _of_others_ended_before,
        "finished",
        LATE,
    ),
    (_on_request, "stopped early", "Stopped on request"),
    (_by_its_machine, "stopped early", "Stopped before its end"),
    (_failed_before_it_was_told, "failed", "Failed with exit code 1; its console log may say why"),
]


@pytest.fixture
def stored(world: World) -> tuple[StoredSweep, list[Run]]:
    """A sweep with a run of each kind, behind three that are good."""
    sweep = world.sweep(metric=METRIC, early_terminate=HYPERBAND)
    for _ in range(9):
        life = Life(world, sweep)
        life.log(0.9, 0.9)
        life.end()
    for live, _, _ in LIVES:
        live(Life(world, sweep))
    return sweep, world.store.runs.of_sweep(sweep.id)[9:]


def test_each_run_is_told_as_it_was(world: World, stored: tuple[StoredSweep, list[Run]]) -> None:
    sweep, runs = stored
    spec = sweep_spec(sweep.config)
    told = [(words.state(run), words.ended(run, spec)) for run in runs]
    assert told == [(state, ended) for _, state, ended in LIVES]


@pytest.fixture
def server(world: World) -> Iterator[ServerProcess]:
    """A real one, of what the world has stored."""
    server = ServerProcess(world.folder)
    server.start()
    yield server
    server.end()


@pytest.fixture
def terminal(stored: tuple[StoredSweep, list[Run]], server: ServerProcess) -> Iterator[Sweep]:
    client = wandb.Api(overrides={"base_url": server.url, "entity": "local"}, api_key=server.key)
    yield Sweep(client, f"local/p/{stored[0].name}", SweepDefinition({"metric": METRIC}))
    wandb.teardown()


def test_terminal_and_dashboard_count_the_same(
    world: World, stored: tuple[StoredSweep, list[Run]], terminal: Sweep
) -> None:
    sweep, _ = stored
    page = sweep_page(world.server, world.project, sweep, QueryParams())
    counts = page["counts"]
    assert counts["stopped"] == 6
    assert counts["by_hyperband"] == 4
    assert describe(terminal.runs(), "acc", maximize=True) == (
        f"{counts['active']} running, {counts['stopped']} stopped early, {counts['wrong']} failed"
    )
    shown = [row.state for row in page["table"].rows]
    assert shown.count("stopped early") == counts["stopped"]
    table = terminal.runs()
    rows = {row.run.name: row.state == "stopped early" for row in page["table"].rows}
    assert dict(zip(table["id"], table["stopped_early"], strict=True)) == rows


def test_the_page_says_who_stopped_how_many_and_what_strict_would_have_done(
    world: World, server: ServerProcess
) -> None:
    sweep = world.sweep(metric=METRIC, early_terminate=HYPERBAND)
    for values in [(0.9, 0.9, 0.9)] * 6 + [(0.9, 0.1, 0.9)] * 2:
        life = Life(world, sweep)
        life.log(*values)
        life.end(outcome=Outcome.COMPLETED)
    _hyperband(Life(world, sweep))
    _on_request(Life(world, sweep))
    page = server.page(f"/local/p/sweeps/{sweep.name}").text
    assert "<b>2 of 10 runs</b> were stopped early, 1 of them by Hyperband: at a bracket" in page
    assert "(after 2 logged points)" in page
    assert "would have stopped <b>2 more</b> by what has been logged" in page


def test_a_bracket_that_every_run_ends_at_is_not_drawn(world: World) -> None:
    sweep = world.sweep(metric=METRIC, early_terminate=HYPERBAND | {"eta": 2})
    spec = sweep_spec(sweep.config)
    assert [b.points for b in reached_brackets(spec, {1: [0.1] * 8, 2: [0.1] * 4})] == [2, 4]
    assert [b.points for b in reached_brackets(spec, {1: [0.1] * 9, 2: [0.1] * 4})] == [2, 4, 8]


def test_a_sweep_without_early_termination_does_not_speak_of_it(
    world: World, server: ServerProcess
) -> None:
    sweep = world.sweep(metric=METRIC)
    _plain(Life(world, sweep))
    page = server.page(f"/local/p/sweeps/{sweep.name}").text
    for word in ("bracket", "Hyperband", "stopped early:", "strict"):
        assert word not in page
