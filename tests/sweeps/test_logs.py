"""The logs of a sweep's processes are appended to; a folder that cannot be used is one line."""

from pathlib import Path

import pytest

from src.shared.errors import UserError
from src.sweeps.fleet import Fleet
from src.sweeps.logs import open_log
from src.sweeps.servers import EmbeddedServer


def test_a_log_is_appended_to_in_a_folder_that_is_made(tmp_path: Path) -> None:
    for _ in range(2):
        with open_log(tmp_path / "a" / "b" / "log") as log:
            log.write(b"line\n")
    assert (tmp_path / "a" / "b" / "log").read_text() == "line\n" * 2
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_log_is_for_its_owner_alone_in_a_folder_that_all_may_read(tmp_path: Path) -> None:
    """The server's has the API key."""
    tmp_path.chmod(0o755)
    old = tmp_path / "old"
    old.touch(0o644)
    for log in (old, tmp_path / "new"):
        open_log(log).close()
        assert log.stat().st_mode & 0o777 == 0o600


def test_logs_that_cannot_be_opened_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, where there should be a folder")
    with pytest.raises(UserError, match=r"^the log .*agent-1.log cannot be opened \(.*\); make"):
        Fleet("e/p/s", 1, 1.0, tmp_path, tmp_path / "taken", tell_epochs=False)
    with pytest.raises(UserError, match=r"^the log .*server.log cannot be opened \(.*\); make"):
        EmbeddedServer(tmp_path / "taken")
