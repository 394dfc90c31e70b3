"""``--public_pages``: what everybody is shown then, and what is the owner's all the same."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator

import pytest
import requests

from tests.wandb_server.server_harness import ServerProcess
from tests.wandb_server.test_recorded_data import SWEEP, copied

RUN = "/local/gradsweep/runs/69ri7jsa"
# On which page, and what of it is of the owner's only.
PRIVATE = {
    "confusion matrices": (RUN, 'class="chart matrix"'),
    "how many answers were right": (RUN, "100.0 % of 120 examples are right"),
    "pictures": (RUN, "<img "),
    "addresses of files": (RUN, f'"{RUN}/files/'),
    "addresses of artifacts": (RUN, '"/local/gradsweep/artifacts/'),
    "the console log": (RUN, "4,324 parameters in 8 tensors"),
    "the command": (RUN, "python src/train.py --dataset=synthetic"),
    "the file of the key": (f"/{SWEEP}", "api_key"),
    "buttons": (f"/{SWEEP}", 'action="/actions/'),
    "tokens": (f"/{SWEEP}", 'name="token"'),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = copied(tmp_path_factory.mktemp("public"))
    with contextlib.closing(sqlite3.connect(data / "server.db")) as db:
        db.execute("UPDATE sweeps SET state = 'RUNNING'")  # so that it has buttons
        db.commit()
    server = ServerProcess(data, "--public_pages")
    server.start()
    yield server
    assert server.end() == 0


def stranger(server: ServerProcess, path: str) -> requests.Response:
    return requests.get(server.url + path, timeout=30)


@pytest.mark.parametrize("what", PRIVATE)
def test_everybody_reads_the_pages_but_not_what_is_the_owners(
    server: ServerProcess, what: str
) -> None:
    path, text = PRIVATE[what]
    assert text in server.page(path).text
    page = stranger(server, path)
    assert page.ok
    assert "val_accuracy" in page.text
    assert f'href="/login?next={path}"' in page.text
    assert text not in page.text


def test_what_a_page_had_led_the_owner_to_wants_a_login(server: ServerProcess) -> None:
    page = server.page(RUN).text
    files = {*re.findall(rf'"({RUN}/files/[^"]+)"', page)}
    files |= {*re.findall(r'"(/local/gradsweep/artifacts/[^"]+)"', page)}
    assert len(files) > 5
    assert {stranger(server, file).status_code for file in files} == {401}


def test_the_key_reads_all_but_is_given_no_buttons(server: ServerProcess) -> None:
    for path, text in PRIVATE.values():
        page = requests.get(server.url + path, auth=("api", server.key), timeout=30).text
        assert (text in page) == (text not in (PRIVATE["buttons"][1], PRIVATE["tokens"][1])), text
