"""Run a hyperparameter sweep: the main job. `python run_sweep.py --help` lists the options."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from src.shared.command import Parser, run_command
from src.shared.errors import UserError
from src.shared.hangup import Hangup
from src.shared.paths import MODELS, ROOT, SWEEP_CONFIG, SWEEP_LOGS
from src.shared.signals import do_nothing, heed
from src.sweeps.server_choice import ServerChoice

if TYPE_CHECKING:
    from src.sweeps.definition import SweepDefinition
    from src.sweeps.servers import Server
    from src.sweeps.sweep import Sweep

DEFAULT_COUNT = 20
# How often agents and the live line ask the server; W&B's own limits its clients' requests.
EMBEDDED_POLL_SECONDS, CLOUD_POLL_SECONDS = 1.0, 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0; 1 if the sweep did not come to its end; 130 after Ctrl-C.
    """
    given = _parse(arguments)
    # Imported here: wandb and pandas take seconds that --help need not wait for.
    from src.sweeps.definition import load_definition
    from src.sweeps.servers import open_server
    from src.sweeps.sweep import Sweep, server_faults

    hangup = _listen_to_signals()
    definition = None if given.resume else load_definition(given.config)
    for warning in definition.warnings if definition else ():
        print(warning, file=sys.stderr)
    with open_server(ServerChoice(given.server)) as server:
        if given.seed is not None and not server.embedded:
            raise UserError("--seed needs the embedded server; add --server local or leave it out")
        sweep = _new(definition, given, server) if definition else Sweep.find(given.resume)
        with server_faults(sweep, server.url):
            if given.resume:
                _reopen(sweep, given.count)
            hangup.log = SWEEP_LOGS / sweep.sweep_id / "sweep.log"
            print(f"Sweep      {sweep.path}\nDashboard  {server.link(sweep.url)}", flush=True)
            return _offer(sweep, server) if given.create_only else _run(sweep, server, given.agents)


def _listen_to_signals() -> Hangup:
    """Ctrl-C, a supervisor's SIGTERM and a lost terminal end a sweep; another Ctrl-C drops it."""
    heed(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    return Hangup("run_sweep", _end)


def _end(signum: int, frame: FrameType | None) -> None:
    for one in (signal.SIGTERM, signal.SIGHUP):  # which may follow, as a terminal is closed
        heed(one, do_nothing)
    heed(signal.SIGINT, signal.default_int_handler)
    raise KeyboardInterrupt


def _new(definition: "SweepDefinition", given: argparse.Namespace, server: "Server") -> "Sweep":
    from src.sweeps.sweep import Sweep

    _fetch(definition)
    definition = definition.planned(given.count, DEFAULT_COUNT)
    if server.embedded:
        definition = definition.for_embedded_server(given.seed)
    return Sweep.create(definition)


def _reopen(sweep: "Sweep", count: int | None) -> None:
    _fetch(sweep.definition)
    sweep.reopen(count)


def _fetch(definition: "SweepDefinition") -> None:
    """Have the data before there are agents that would all wait for them."""
    from src import datasets

    for name in definition.datasets:
        datasets.fetch(name)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python run_sweep.py",
        description="Run a hyperparameter sweep with parallel agents and report on its best model.",
    )
    add = parser.add_argument
    add("--config", type=Path, default=SWEEP_CONFIG, help="sweep file [config/sweep_config.yaml]")
    add("--count", type=_at_least(1), help=f"runs in all [the file's, else {DEFAULT_COUNT}]")
    add("--agents", type=_at_least(1), default=2, help="agents that run in parallel [2]")
    add(
        "--server",
        choices=[choice.value for choice in ServerChoice],
        default=ServerChoice.AUTO.value,
        help="local: the embedded W&B server; cloud: the one that you are logged in to; "
        "auto: cloud if there is an API key, else local [auto]",
    )
    add("--create_only", action="store_true", help="create the sweep and print the agent's command")
    add("--resume", metavar="SWEEP_ID", help="go on with an earlier sweep")
    add("--seed", type=_at_least(0), help="seed of the search, on the embedded server")
    given: argparse.Namespace = parser.parse_args(arguments)
    if given.resume and (given.seed is not None or given.config != SWEEP_CONFIG):
        raise UserError("--resume goes on as the sweep was created; leave out --config and --seed")
    return given


def _at_least(least: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number >= {least}")
        return int(text)

    return whole_number


def _offer(sweep: "Sweep", server: "Server") -> int:
    """Print how to start agents; an embedded server of ours is kept up for them until Ctrl-C."""
    from src.sweeps.summary import agent_commands

    print(f"\nIn as many terminals as you like:\n\n{agent_commands(sweep, server)}\n")
    if server.started_here:
        print("The embedded server runs in this terminal; Ctrl-C ends it.", flush=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            print()
    return 0


def _run(sweep: "Sweep", server: "Server", agents: int) -> int:
    """Run agents until the sweep is over, then report."""
    from src.sweeps.fleet import Fleet
    from src.sweeps.monitor import watch
    from src.sweeps.servers import PortTakenError

    checkpoints = MODELS / f"sweep_{sweep.sweep_id}"
    poll_seconds = EMBEDDED_POLL_SECONDS if server.embedded else CLOUD_POLL_SECONDS
    logs = SWEEP_LOGS / sweep.sweep_id
    print(f"Agents     {agents}, logs in {logs.relative_to(ROOT)}", flush=True)
    fleet = Fleet(
        *(sweep.path, agents, poll_seconds, checkpoints, logs), tell_epochs=server.embedded
    )
    interrupted, go_on = False, f"Go on with  python run_sweep.py --resume {sweep.name}"
    try:
        watch(sweep, fleet, server, poll_seconds)
    except KeyboardInterrupt:
        interrupted = True
        print(f"\nEnding the runs that are going on; Ctrl-C again drops them.\n{go_on}", flush=True)
    except PortTakenError:
        fleet.kill()  # with every request they send it the key
        print(go_on, flush=True)
        raise
    finally:
        fleet.stop()
    over = sweep.is_over()
    complete = over and not interrupted
    found = _report(sweep, server, checkpoints, over)
    if not found:
        print(f"No run has logged anything; {logs.relative_to(ROOT)} says why.")
    if not complete:
        print(go_on)
    return 130 if interrupted else int(not (complete and found))


def _report(sweep: "Sweep", server: "Server", checkpoints: Path, over: bool) -> bool:
    """Print the best configurations, and evaluate the best model on the test set.

    Args:
        sweep: The sweep.
        server: Its server.
        checkpoints: Where this machine's agents left theirs.
        over: Whether agents get no more runs.

    Returns:
        Whether any run has logged the metric.
    """
    from src.evaluate import evaluate_checkpoint
    from src.sweeps.summary import keep_model, leaderboard, look_again

    # Asked for once: agents elsewhere may go on, and the model is to be that of the first line.
    runs = sweep.runs()
    ranked = sweep.ranked(runs)
    if not ranked.empty:
        best = leaderboard(sweep.definition, ranked)
        print(f"\nThe best of {len(runs)} runs:\n\n{best}\n", flush=True)
        total = sweep.definition.total_runs
        if over and total is not None and len(runs) < total:
            print(
                f"It ended after {len(runs)} of {total} runs: every configuration has been tried, "
                "or it was stopped."
            )
        print("Evaluating the best one's model on the test set", flush=True)
        model = keep_model(sweep, str(ranked["id"].iloc[0]), checkpoints)
        evaluation = evaluate_checkpoint(model)
        print(f"Test       accuracy {evaluation.metrics['accuracy']:.4f}")
        print(f"Model      {model.relative_to(ROOT)}.weights.h5")
        print(f"Report     {evaluation.folder.relative_to(ROOT)}/report.html")
    print(look_again(sweep, server))
    return not ranked.empty


if __name__ == "__main__":
    run_command(main)
