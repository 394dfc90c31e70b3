"""Artifacts."""

from src.wandb_server.store.database import Database


class Artifacts:
    def __init__(self, db: Database) -> None:
        self._db = db
