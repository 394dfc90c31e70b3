"""Everything that the server keeps, in one SQLite file. The only package with SQL in it."""

from contextlib import AbstractContextManager
from pathlib import Path

from src.wandb_server.store.artifacts import Artifacts
from src.wandb_server.store.branches import Branches
from src.wandb_server.store.collections import Collections
from src.wandb_server.store.contents import Contents
from src.wandb_server.store.database import Database
from src.wandb_server.store.files import Files
from src.wandb_server.store.projects import Projects
from src.wandb_server.store.runs import Runs
from src.wandb_server.store.sweeps import Sweeps
from src.wandb_server.store.views import Views


class Store:
    """The tables by subject; see :class:`Database` for what a transaction promises.

    Args:
        path: The database file.

    Attributes:
        health: Whether the file is whole.
    """

    def __init__(self, path: Path) -> None:
        self._db = Database(path)
        self.health = self._db.health
        self.projects = Projects(self._db)
        self.runs = Runs(self._db)
        self.branches = Branches(self._db)
        self.sweeps = Sweeps(self._db)
        self.files = Files(self._db)
        self.collections = Collections(self._db)
        self.artifacts = Artifacts(self._db)
        self.contents = Contents(self._db)
        self.views = Views(self._db)

    def transaction(self) -> AbstractContextManager[None]:
        """What is written inside is committed together, at the end."""
        return self._db.transaction()

    def check_writable(self) -> None:
        """Refuse to change anything outside of the database if it is damaged.

        Raises:
            DamagedError: It is.
        """
        self._db.check_writable()
