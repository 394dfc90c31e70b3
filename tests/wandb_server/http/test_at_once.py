"""What happens just before a request is carried out is seen by it, not overwritten."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from src.wandb_server.scheduling.endings import end_run
from src.wandb_server.states import RunState, SweepState
from src.wandb_server.store import Store
from src.wandb_server.store.database import Database
from src.wandb_server.store.runs import Run
from tests.wandb_server.http.everything import KEY, Everything, serve_everything

STREAM = "/files/{entity}/{project}/{run}/file_stream"
BUTTON = "/actions/{kind}/{entity}/{project}/{name}/{button}"


@pytest.fixture
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    with serve_everything(tmp_path_factory.mktemp("at_once")) as served:
        yield served


@pytest.fixture
def just_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Lets something happen before the next transaction, as if by a request that was faster."""

    def arrange(happen: Callable[[], None]) -> None:
        begin = Database.transaction

        def faster(database: Database) -> AbstractContextManager[None]:
            monkeypatch.setattr(Database, "transaction", begin)
            happen()
            return begin(database)

        monkeypatch.setattr(Database, "transaction", faster)

    return arrange


def the_run(store: Store) -> Run:
    run = store.runs.get(1)
    assert run is not None
    return run


def test_a_run_that_is_deleted_while_it_speaks_is_not_found(
    everything: Everything, just_before: Callable[[Callable[[], None]], None]
) -> None:
    store = everything.server.store
    just_before(lambda: store.runs.delete(the_run(store).id))
    assert everything.send("POST", STREAM, key=KEY).status_code == 404


def test_a_run_that_is_killed_while_it_speaks_stays_so(
    everything: Everything, just_before: Callable[[Callable[[], None]], None]
) -> None:
    store = everything.server.store
    just_before(lambda: end_run(store, the_run(store), RunState.KILLED))
    assert everything.send("POST", STREAM, key=KEY).status_code == 200
    assert the_run(store).state is RunState.KILLED


def test_a_sweep_that_is_cancelled_while_a_button_is_pressed_stays_so(
    everything: Everything, just_before: Callable[[Callable[[], None]], None]
) -> None:
    store = everything.server.store
    just_before(lambda: store.sweeps.update(1, state=SweepState.CANCELED))
    assert everything.send("POST", BUTTON, login=True, proof=True).status_code == 303
    sweep = store.sweeps.get(1)
    assert sweep is not None
    assert sweep.state is SweepState.CANCELED


def test_a_run_that_ends_while_its_button_is_pressed_is_not_told_to_stop(
    everything: Everything, just_before: Callable[[Callable[[], None]], None]
) -> None:
    store = everything.server.store
    everything.addresses[BUTTON] = "/actions/runs/local/gradsweep/run/stop"
    just_before(lambda: end_run(store, the_run(store), RunState.FINISHED, 0))
    assert everything.send("POST", BUTTON, login=True, proof=True).status_code == 303
    assert not the_run(store).should_stop
