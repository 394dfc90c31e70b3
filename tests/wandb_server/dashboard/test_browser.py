"""The pages in Chromium, with the data of a real sweep by unmodified wandb clients."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from src.shared.paths import ROOT
from src.shared.tickets import login_link
from tests.wandb_server.server_harness import Client, ServerProcess, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCREENSHOTS = ROOT / "artifacts" / "screenshots"
RUNS, AGENTS = 9, 3
SWEEP = """
method: bayes
name: fashion_mnist mlp
run_cap: {runs}
metric: {{name: val_accuracy, goal: maximize}}
early_terminate: {{type: hyperband, min_iter: 1, eta: 2}}
program: src/train.py
parameters:
  dataset: {{value: fashion_mnist}}
  learning_rate: {{distribution: log_uniform_values, min: 1.0e-5, max: 1.0e-1}}
  optimizer: {{values: [sgd, adam, nadam]}}
  batch_size: {{values: [32, 64, 128]}}
  weight_decay: {{values: [0, 0.0005]}}
"""
CREATE = "import sys, wandb, yaml; print('ID', wandb.sweep(yaml.safe_load(sys.argv[1])))"
# A run that a test moves on step by step.
STEPWISE = """
import sys, wandb
with wandb.init(id="stepwise", name="<script>alert(1)</script>") as run:
    for line in sys.stdin:
        run.log({"epoch": int(line), "val_accuracy": 1 - 1 / (1 + int(line))})
"""


@dataclass
class Sweep:
    """A finished sweep on a server that is still there."""

    server: ServerProcess
    client: Client
    name: str

    @property
    def path(self) -> str:
        return f"/local/gradsweep/sweeps/{self.name}"

    def runs(self, where: str) -> list[str]:
        """The addresses of runs."""
        rows = self.server.rows(f"SELECT name FROM runs WHERE {where} ORDER BY id")
        return [f"/local/gradsweep/runs/{row['name']}" for row in rows]


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    folder = tmp_path_factory.mktemp("browser")
    server = ServerProcess(folder / "data")
    server.start()
    client = Client(server, folder / "client")
    name = client.python(CREATE, SWEEP.format(runs=RUNS)).rpartition("ID ")[2].split()[0]
    program, gate = Path(__file__).with_name("fake_training.py"), folder / "gate"
    command = [str(program), f"local/gradsweep/{name}", str(RUNS), "0.25", str(gate)]
    agents = [client.start(sys.executable, *command) for _ in range(AGENTS)]
    stopped = "SELECT 1 FROM runs WHERE early_stop IS NOT NULL AND state != 'running'"
    wait_for(lambda: server.rows(stopped), "a run that is stopped early")
    gate.touch()
    for agent in agents:
        output, _ = agent.communicate(timeout=120)
        assert agent.returncode == 0, output
    yield Sweep(server, client, name)
    client.end()
    assert server.end() == 0
    assert server.missing_fields() == []


def draw_all(page: Page) -> None:
    """Let every visible chart be drawn, which is done only when it comes into view."""
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.viewport_size["width"] if page.viewport_size else 1280
    page.set_viewport_size({"width": width, "height": min(height + 100, 8000)})
    page.wait_for_function(
        """() => [...document.querySelectorAll('.chart')].every(c => !c.checkVisibility()
            || c.dataset.figure === 'null' || c.querySelector('.main-svg'))"""
    )


def addresses(sweep: Sweep) -> dict[str, str]:
    best = sweep.server.rows(
        "SELECT r.name FROM runs r JOIN metric_values m ON m.run_id = r.id ORDER BY m.value DESC"
    )[0]["name"]
    names = [path.rpartition("/")[2] for path in sweep.runs("state = 'finished'")[:3]]
    return {
        "projects": "/",
        "project": "/local/gradsweep",
        "sweep": sweep.path,
        "run": f"/local/gradsweep/runs/{best}",
        "stopped-run": sweep.runs("early_stop IS NOT NULL")[0],
        "compare": f"/local/gradsweep/compare?runs={','.join(names)}",
    }


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("dark", 360)])
def test_every_page_is_drawn_without_errors_and_fits_the_window(
    sweep: Sweep, open_page: Callable[..., Page], scheme: str, width: int
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, path in addresses(sweep).items():
        page = open_page(sweep.server, path, scheme, width)
        draw_all(page)
        page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.locator("h1").count() == 1, name


def test_the_sweep_page_answers_what_mattered_and_why_runs_stopped(
    sweep: Sweep, open_page: Callable[..., Page]
) -> None:
    page = open_page(sweep.server, sweep.path)
    says = page.locator("#says").inner_text()
    assert re.search(r"\w+ mattered|runs do not tell which hyperparameter matters", says)
    assert re.search(rf"[1-9] of {RUNS} runs (was|were) stopped early", says)
    stopped = page.locator("tr", has=page.locator(".state-stopped-early")).first.inner_text()
    assert re.search(r"Stopped at bracket \d .*best val_accuracy [\d.]+ was below the", stopped)
    assert page.locator("#agents tbody tr").count() == AGENTS
    assert (
        f"wandb agent local/gradsweep/{sweep.name}" in page.locator("#agent-command").inner_text()
    )
    draw_all(page)
    assert page.locator("#learning-curves .shapelayer path").count() >= 2
    assert page.locator("#parallel .scatterlayer .trace").count() > 0


def test_the_run_page_shows_what_the_client_logged(
    sweep: Sweep, open_page: Callable[..., Page]
) -> None:
    page = open_page(sweep.server, addresses(sweep)["run"])
    says = page.locator("#says").inner_text()
    assert re.search(r"Most confused: Shirt taken for T-shirt/top \(\d+ of \d+, \d+ %\)", says)
    draw_all(page)
    matrix = page.locator(".chart.matrix").first
    assert "Ankle boot" in matrix.inner_text()
    page.get_by_text("% of the true class", exact=True).click()
    page.locator(".chart.matrix").nth(1).locator(".main-svg").first.wait_for()
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.locator("#media img").count() == 2
    page.wait_for_function(f"() => {broken} === 0")
    assert "<b>Shirt</b>" in page.locator("#media table").inner_text()
    assert "epoch 6/6" in page.locator("#log").inner_text()
    assert "--learning_rate=" in page.locator("#again").inner_text()
    assert page.locator("#norms .chart").count() == 3
    with page.expect_download() as download:
        page.get_by_role("link", name="weights.h5").click()
    assert download.value.suggested_filename == "weights.h5"
    assert download.value.path().stat().st_size == 2048


def test_the_table_is_sorted_with_the_keyboard(
    sweep: Sweep, open_page: Callable[..., Page]
) -> None:
    page = open_page(sweep.server, sweep.path)
    heading = page.locator("#runs-table th a", has_text="learning_rate")
    column = page.locator("#runs-table thead th").all_inner_texts().index("learning_rate")
    for direction in ("ascending", "descending"):
        heading.focus()
        page.keyboard.press("Enter")
        page.locator(
            f'#runs-table th[aria-sort="{direction}"]', has_text="learning_rate"
        ).wait_for()
        assert page.evaluate("document.activeElement.textContent") == "learning_rate"
        cells = page.locator("#runs-table tbody tr").evaluate_all(
            f"rows => rows.map(r => parseFloat(r.children[{column}].textContent))"
        )
        assert cells == sorted(cells, reverse=direction == "descending")


def test_curves_follow_the_selection(sweep: Sweep, open_page: Callable[..., Page]) -> None:
    page = open_page(sweep.server, "/local/gradsweep?filter=fashion_mnist")
    draw_all(page)
    curves = page.locator('[id="curves:chart:val_accuracy"] .scatterlayer .trace')
    before = curves.count()
    # By its name: were the table put in anew before the box is looked at again, "the first that is
    # checked" would be another one, and would be unchecked too.
    name = page.locator("#runs-table input:checked").first.get_attribute("value")
    page.locator(f'#runs-table input[value="{name}"]').uncheck()
    expect(curves).to_have_count(before - 1)
    assert "filter=fashion_mnist" in page.url


def test_buttons_pause_resume_and_stop_and_are_refused_without_the_token(
    sweep: Sweep, open_page: Callable[..., Page], browser: Browser
) -> None:
    name = sweep.client.python(CREATE, SWEEP.format(runs=5)).rpartition("ID ")[2].split()[0]

    def state() -> str:
        [row] = sweep.server.rows("SELECT state FROM sweeps WHERE name = ?", name)
        return str(row["state"])

    page = open_page(sweep.server, f"/local/gradsweep/sweeps/{name}")
    for button, expected in (("Pause", "PAUSED"), ("Resume", "RUNNING"), ("Stop", "FINISHED")):
        page.get_by_role("button", name=button, exact=True).focus()
        page.keyboard.press("Enter")
        page.locator(f"#buttons .state-{expected.lower()}").wait_for()
        assert state() == expected
    other = sweep.client.python(CREATE, SWEEP.format(runs=5)).rpartition("ID ")[2].split()[0]
    with browser.new_page() as forged:
        path = f"/local/gradsweep/sweeps/{other}"
        forged.goto(login_link(sweep.server.url, sweep.server.key, path))
        forged.locator("#buttons input[name=token]").first.evaluate("field => field.value = '0'")
        with forged.expect_response(lambda reply: "/actions/" in reply.url) as reply:
            forged.get_by_role("button", name="Pause").click()
        assert reply.value.status == 403
        forged.get_by_text("That did not work").wait_for()
    [row] = sweep.server.rows("SELECT state FROM sweeps WHERE name = ?", other)
    assert row["state"] == "PENDING", "it has no agent yet"


def test_a_running_run_is_followed_and_its_name_stays_a_name(
    sweep: Sweep, open_page: Callable[..., Page]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(STEPWISE)],
        cwd=sweep.client.folder,
        env=sweep.client.environment,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdin

    def log(epoch: int) -> None:
        assert process.stdin
        process.stdin.write(f"{epoch}\n")
        process.stdin.flush()

    for epoch in (1, 2):
        log(epoch)
    wait_for(
        lambda: sweep.server.rows(
            "SELECT 1 FROM lines l JOIN runs r ON r.id = l.run_id"
            " WHERE r.name = 'stepwise' AND stream = 'history' AND position = 1"
        ),
        "two points",
    )
    page = open_page(sweep.server, "/local/gradsweep/runs/stepwise")
    assert page.locator("h1").inner_text().startswith("<script>alert(1)</script>")
    assert page.locator("#live").is_visible()
    draw_all(page)
    points = "() => document.getElementById('curves:chart:val_accuracy').data?.[0].x.length === {}"
    page.wait_for_function(points.format(2))
    page.evaluate("window.kept = 'not loaded anew'")
    log(3)
    page.wait_for_function(points.format(3))
    page.locator("#says", has_text="at epoch 3").wait_for()
    process.stdin.close()
    assert process.wait(60) == 0
    page.locator("#buttons .state-finished").wait_for()
    page.locator("#live").wait_for(state="hidden")
    assert page.evaluate("window.kept") == "not loaded anew"


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_what_matters_is_drawn_whole(
    messy_server: ServerProcess, open_page: Callable[..., Page], width: int
) -> None:
    for name in ("nothing", "rate"):
        page = open_page(messy_server, f"/local/planted/sweeps/{name}", width=width)
        draw_all(page)
        page.screenshot(path=SCREENSHOTS / f"importance-{name}-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".importance .whisker").count() == 7
        # The table is seen whole unless the window is a telephone's, where it is scrolled.
        table = "document.getElementById('importance-scroll')"
        assert width < 800 or page.evaluate(f"{table}.scrollWidth") <= page.evaluate(
            f"{table}.clientWidth"
        )


def test_pages_of_hostile_data_run_nothing_of_it(
    messy_server: ServerProcess, open_page: Callable[..., Page]
) -> None:
    for path in (
        *("/local/messy", "/local/messy/sweeps/wild", "/local/messy/runs/hostile"),
        *("/local/messy/compare?runs=hostile,member0", "/local/messy/reports/x--Vmlldzox"),
    ):
        page = open_page(messy_server, path, width=360)
        draw_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
