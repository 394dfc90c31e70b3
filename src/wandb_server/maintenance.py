"""Looking after a data folder by hand: ``python -m src.wandb_server check|backup|restore``."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from src.shared.command import Parser
from src.shared.errors import UserError
from src.shared.live_server import live_server
from src.shared.paths import SERVER_DATA
from src.wandb_server.announcement import only_server_of
from src.wandb_server.data_folder import DATABASE, usable
from src.wandb_server.store import backups
from src.wandb_server.store.backups import Why
from src.wandb_server.store.blobs import FILES, contents
from src.wandb_server.store.checks import check
from src.wandb_server.store.connection import files_of
from src.wandb_server.store.errors import StoreError

PROGRAM = "python -m src.wandb_server"
MOST_SHOWN = 20  # findings of a kind


def run(command: str, given: list[str]) -> int:
    """Run one of the ``COMMANDS`` with its arguments; returns the exit code."""
    return COMMANDS[command](given)


def _check(given: list[str]) -> int:
    """Check a data folder, of a server that runs or not; returns 1 if anything is damaged."""
    parser = _parser(
        "check",
        "Check the whole of a data folder, whether a server of it runs or not: the database's "
        "pages, references between its rows, its values, and the stored files. The exit code is "
        "1 if anything is damaged.",
    )
    data = _data(parser.parse_args(given).data)
    database = _existing(data)
    report = check(database, data / FILES)
    looked_at = ", ".join(f"{what} {number:,}" for what, number in report.looked_at.items())
    print(f"{database}: {database.stat().st_size / 1e6:.1f} MB; {looked_at or 'nothing to read'}")
    _show("The database is damaged", report.structure)
    _show("These cannot be read, and all others can", report.losses)
    if report.structure:
        cure = backups.cure(database, checked=True)
        print(f"{cure[0].upper()}{cure[1:]}.")
    elif report.losses:
        print("Backups may still have what is lost; they are listed by restore without a name.")
    else:
        print("All is good.")
    return int(bool(report.structure or report.losses))


def _backup(given: list[str]) -> int:
    """Back a data folder up, while a server of it may be running."""
    parser = _parser(
        "backup",
        "Back a data folder up while a server of it may be running. Without --to, its database is "
        "copied into its folder backups/, as the server does once a day; stored files need no "
        "copy there, as they are never deleted. With --to, a whole data folder is made: on the "
        "same disk its files are links, which take no room; on another one they are copies.",
    )
    parser.add_argument(
        "--to", type=Path, metavar="FOLDER", help="a new folder, which a server can serve"
    )
    args = parser.parse_args(given)
    data = _data(args.data)
    database = _existing(data)
    try:
        if args.to is None:
            print(f"Backed up to {backups.back_up(database, Why.ASKED).path}")
        else:
            _copy_all(data, args.to.resolve())
            print(f"Backed up to {args.to}; try it with {PROGRAM} --data {args.to}")
    except StoreError as error:
        raise UserError(f"{data} was not backed up: {error}; mend that and try again") from None
    return 0


def _restore(given: list[str]) -> int:
    """Put a backup in the place of the database, or list the backups."""
    parser = _parser(
        "restore",
        "Put a backup in the place of a data folder's database; without one, list those that "
        "there are. The database of today is kept beside it under a name with the time.",
    )
    parser.add_argument(
        "backup",
        nargs="?",
        help="one of those listed, or a folder or file made by backup",
    )
    args = parser.parse_args(given)
    data = _data(args.data)
    if args.backup is None:
        _list(data)
        return 0
    source = _found(data, args.backup)
    if server := live_server(data):
        raise UserError(f"a server of {data} is running at {server.url}; end it, then restore")
    with only_server_of(data):
        _put_in_place(data, source)
    return 0


COMMANDS = {"check": _check, "backup": _backup, "restore": _restore}


def _parser(command: str, description: str) -> Parser:
    parser = Parser(prog=f"{PROGRAM} {command}", description=description)
    parser.add_argument(
        "--data", type=Path, default=SERVER_DATA, help="folder that keeps everything (%(default)s)"
    )
    return parser


def _data(data: Path) -> Path:
    if not data.is_dir():
        raise UserError(f"--data {data}: there is no such folder; name that of a server")
    return data.resolve()


def _existing(data: Path) -> Path:
    database = data / DATABASE
    if not database.is_file():
        raise UserError(f"there is no database {database}; see {PROGRAM} restore --data {data}")
    return database


def _show(title: str, findings: list[str]) -> None:
    if not findings:
        return
    print(f"{title}:")
    for finding in findings[:MOST_SHOWN]:
        print(f"  {finding}")
    if len(findings) > MOST_SHOWN:
        print(f"  and {len(findings) - MOST_SHOWN:,} more")


def _list(data: Path) -> None:
    found = backups.backups_of(data / DATABASE)
    for backup in found:
        faults = backups.faults_of(backup.path)
        size = f"{backup.path.stat().st_size / 1e6:.1f} MB"
        print(
            f"{backup.path.name}  {backup.when}  {backup.why:9}  {size:>9}  "
            f"{'damaged: ' + faults[0] if faults else 'good'}"
        )
    if found:
        print(f"Put one in place with {PROGRAM} restore NAME --data {data}")
    else:
        print(f"{data} has no backups.")


def _found(data: Path, name: str) -> Path:
    """The database file that a backup's name means."""
    named = backups.folder_of(data / DATABASE) / name
    path = named if named.is_file() else Path(name)
    path = path / DATABASE if path.is_dir() else path
    if not path.is_file():
        raise UserError(f"there is no backup {name}; see {PROGRAM} restore --data {data}")
    if faults := backups.faults_of(path):
        raise UserError(f"the backup {path} is damaged ({faults[0]}); take another one")
    return path


def _put_in_place(data: Path, source: Path) -> None:
    now = datetime.now(UTC)
    database = data / DATABASE
    made = next(
        (b.made for b in backups.backups_of(database) if b.path == source),
        datetime.fromtimestamp(source.stat().st_mtime, UTC),
    )
    aside = data / f"replaced-{now:%Y-%m-%dT%H%M%S.%fZ}"
    fresh = database.with_name(f".{DATABASE}")
    try:
        backups.copy_database(source, fresh)  # before anything is touched
        if source.name == DATABASE:
            _link_files(source.with_name(FILES), data / FILES, aside / FILES)
    except StoreError as error:
        raise UserError(f"{source} was not restored: {error}; mend that and try again") from None
    with usable(data):
        kept = [path for path in files_of(database) if path.exists() or path.is_symlink()]
        if kept:
            aside.mkdir(mode=0o700, exist_ok=True)
        for path in kept:
            path.rename(aside / path.name)
        fresh.rename(database)
    print(f"{database} is as it was at {made:%Y-%m-%d %H:%M:%S} UTC.")
    if aside.exists():
        print(f"What was in its place is in {aside}.")
    print(
        "What was stored after that time is not in it; runs of that time are whole in their own "
        "folders: send each with wandb sync wandb/run-..."
    )


def _copy_all(data: Path, target: Path) -> None:
    with backups.writing_in(target):
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(target.iterdir()):
            raise UserError(f"--to {target} is not empty; name a new folder")
    # The database first: contents that it knows are in place, and stay.
    backups.copy_database(data / DATABASE, target / DATABASE)
    _link_files(data / FILES, target / FILES, aside=target)  # nothing is in their way


def _link_files(source: Path, target: Path, aside: Path) -> None:
    """Have the contents of one folder in another, too: as links where it is on the same disk.

    Others in their places, which runs have sent later or which are damaged, are moved aside.
    """
    with backups.writing_in(target):
        for path in contents(source):
            new = target / path.parent.name / path.name
            if new.exists() and new.stat().st_size == path.stat().st_size:
                continue
            new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if new.exists():
                kept = aside / path.parent.name / path.name
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                new.rename(kept)
            try:
                os.link(path, new)
            except OSError:
                shutil.copy2(path, new)
