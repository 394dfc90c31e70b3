"""The embedded W&B server: ``python -m src.wandb_server [check | backup | restore]``."""

import argparse
import math
import os
import sys
from pathlib import Path

from src.shared.command import Parser, run_command
from src.shared.defaults import PORT
from src.shared.live_server import live_server
from src.shared.paths import SERVER_DATA
from src.shared.tickets import login_link
from src.wandb_server.scheduling.liveness import CRASH_AFTER


def main() -> int:
    """Serve a data folder until SIGINT, SIGTERM or SIGHUP, or run the command that is named."""
    os.umask(0o077)  # whatever is written is for its owner alone
    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        from src.wandb_server import maintenance

        if sys.argv[1] in maintenance.COMMANDS:
            return maintenance.run(sys.argv[1], sys.argv[2:])
    args = _arguments()
    # Imported late: --help answers at once.
    from src.wandb_server.announcement import only_server_of, show
    from src.wandb_server.data_folder import check_space, prepare

    data: Path = args.data.resolve()
    prepare(data)
    if args.open and (server := live_server(data)):
        print(f"A server of {data} is already running at {server.url}")
        print(f"Dashboard: {login_link(server.url, server.key)}")
        show(server.url, server.key, data)
        return 0
    with only_server_of(data):
        check_space(data)
        from src.wandb_server.http.serve import listen, listen_at, serve

        with listen(args.port) if args.fd is None else listen_at(args.fd) as listener:
            serve(
                data,
                listener,
                args.crash_after,
                show_page=args.open,
                until_stdin_ends=args.exit_with_stdin,
                public_pages=args.public_pages,
            )
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _arguments() -> argparse.Namespace:
    parser = Parser(
        prog="python -m src.wandb_server",
        usage="%(prog)s [check | backup | restore] [option ...]",
        description="A W&B-compatible server for sweeps on one machine, with no account. Without a "
        "command it serves.",
        epilog="Commands, each with its own --help: check looks for damage in the data; backup "
        "copies them while they are served; restore puts a backup in their place.",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="0 takes any free port (%(default)s)"
    )
    parser.add_argument("--fd", type=int, help="number of an inherited socket to listen at instead")
    parser.add_argument(
        "--data", type=Path, default=SERVER_DATA, help="folder that keeps everything (%(default)s)"
    )
    parser.add_argument(
        "--crash_after",
        type=_seconds,
        default=CRASH_AFTER,
        help="seconds of silence of a run and its agent until the run is crashed (%(default)s)",
    )
    parser.add_argument(
        "--open", action="store_true", help="show the dashboard in a browser, logged in"
    )
    parser.add_argument(
        "--public_pages",
        action="store_true",
        help="let every user of this machine read the pages: not files, logs or buttons",
    )
    parser.add_argument(
        "--exit_with_stdin", action="store_true", help="end when standard input is closed"
    )
    given: argparse.Namespace = parser.parse_args()
    return given


if __name__ == "__main__":
    run_command(main)
