"""What a sweep's page says of its hyperparameters."""

import re

from tests.wandb_server.server_harness import ServerProcess


def said(server: ServerProcess, sweep: str) -> tuple[str, list[str]]:
    """The sentence on what matters, and the rows of the table."""
    page = server.page(f"/local/planted/sweeps/{sweep}").text
    [words] = re.findall(r'<section class="panel says".*?</section>', page, re.S)
    [table] = re.findall(r'<div id="importance" data-live>(.*?)</section>', page, re.S)
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.S)
    plain = [re.sub(r"<[^>]+>", " ", text) for text in (words, *rows)]
    words, *rows = [" ".join(text.split()) for text in plain]
    return words, rows


def test_nothing_is_said_to_matter_where_nothing_does(messy_server: ServerProcess) -> None:
    words, rows = said(messy_server, "nothing")
    assert "mattered" not in words
    assert "20 runs do not tell which hyperparameter matters. " in words
    assert re.search(r"is the likeliest, but .* one of 7 looks like it in \d+ % of sweeps", words)
    assert re.search(r"about [\d,]+ runs would tell it|more than 1,000 runs to tell", words)
    assert len(rows) == 7
    assert all("not told from chance (p " in row for row in rows)
    assert all("did best" not in row and "was better" not in row for row in rows)


def test_what_matters_is_said_with_the_range_that_did_best(messy_server: ServerProcess) -> None:
    words, rows = said(messy_server, "rate")
    number = r"[-\d.e]+"
    sentence = (
        rf"learning_rate mattered( most)?: ({number}) to ({number}) did best \(mean {number} of "
        rf"10 runs\), {number} to {number} worst \(mean {number} of 10 runs\)"
    )
    found = re.search(sentence, words)
    assert found
    assert float(found[2]) < 2e-3  # the best is 1e-3
    assert float(found[3]) > 5e-4
    assert "did best" in rows[0]
    assert all("did best" not in row for row in rows[1:])
    # Our importance with its spread, then W&B's two figures; a choice of names has no correlation.
    assert re.search(r"learning_rate 0\.\d\d ± 0\.\d\d .* 0\.\d\d [+-]0\.\d\d$", rows[0])
    assert any(re.search(r"^optimizer .* 0\.\d\d –$", row) for row in rows)


def test_few_runs_are_told_how_many_it_takes(messy_server: ServerProcess) -> None:
    words, rows = said(messy_server, "few")
    assert "can be told after 8 runs have ended" in words
    assert rows == []
