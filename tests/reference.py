"""docs/hyperparameters.md, made of the tables that the program itself reads: `make docs`."""

from pydantic.fields import FieldInfo

from src.config.fields import Section, allowed, fact
from src.config.readers import default_in_words, readers_in_words
from src.config.run_config import RunConfig
from src.shared.paths import ROOT

HYPERPARAMETERS = ROOT / "docs" / "hyperparameters.md"

_HEAD = """\
# Hyperparameters

Every hyperparameter is a flag of `python -m src.train`, a key of a recipe and a parameter of
sweeps. `make docs` writes this page.

One that only another model or kind of data reads is refused, with the reason. One that only other
optimizers or schedules read is ignored, so that one sweep can search several. A sweep can search
all but `no_wandb` and `run_name`.
"""


def hyperparameters() -> str:
    """The page: a table for each section of ``--help``."""
    parts = [_HEAD]
    for section in Section:
        fields = RunConfig.model_fields.items()
        lines = [_line(name, field) for name, field in fields if fact(field, "section") == section]
        head = "| flag | default | it takes | read by | what it is |\n|---|---|---|---|---|"
        parts.append(f"## {section.value.capitalize()}\n\n{head}\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(name: str, field: FieldInfo) -> str:
    default, readers = default_in_words(name) or "none", readers_in_words(name) or "all"
    cells = (f"`--{name}`", default, allowed(field), readers)
    description = (field.description or "").replace("|", "\\|")
    return f"| {' | '.join(cells)} | {description} |"


if __name__ == "__main__":
    HYPERPARAMETERS.write_text(hyperparameters(), encoding="utf-8")
    print(f"Written    {HYPERPARAMETERS.relative_to(ROOT)}")
