"""docs/hyperparameters.md, made of the tables that the program itself reads: `make docs`."""

from pydantic.fields import FieldInfo

from src.architectures.registry import ARCHITECTURES
from src.config.fields import Section, allowed, fact
from src.config.registry import KIND_READS, conditional_readers, kinds_that_read, models_that_read
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
    cells = (f"`--{name}`", _default(name, field), allowed(field), _readers(name))
    description = (field.description or "").replace("|", "\\|")
    return f"| {' | '.join(cells)} | {description} |"


def _default(name: str, field: FieldInfo) -> str:
    """The default, and those of the models that have their own."""
    own = [
        f"{entry.defaults[name]} of {model}"
        for model, entry in ARCHITECTURES.items()
        if name in entry.defaults
    ]
    plain = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    return ", ".join(["none" if plain is None else str(plain), *own])


def _readers(name: str) -> str:
    """The models, kinds of data, optimizers or schedules that read it, if not all do."""
    models, kinds = models_that_read(name), kinds_that_read(name)
    readers = [", ".join(models)] if len(models) < len(ARCHITECTURES) else []
    readers += [", ".join(kinds)] if len(kinds) < len(KIND_READS) else []
    for table in conditional_readers().values():
        readers += [", ".join(table[name])] if name in table else []
    return "; ".join(readers) or "all"


if __name__ == "__main__":
    HYPERPARAMETERS.write_text(hyperparameters(), encoding="utf-8")
    print(f"Written    {HYPERPARAMETERS.relative_to(ROOT)}")
