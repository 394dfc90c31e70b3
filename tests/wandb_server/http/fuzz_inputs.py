"""What malformed requests are made of: names that the server reads, and nasty values."""

import re
from pathlib import Path

from hypothesis import strategies as st

from src.wandb_server.api import resolvers
from src.wandb_server.api.ids import encode_id

SOURCE = "\n".join(p.read_text() for p in Path(resolvers.__file__).parent.glob("*.py"))
ARGUMENTS = sorted(set(re.findall(r"(?:args|given)\.\w+\(\s*\"(\w+)\"", SOURCE)))
FIELDS = sorted(set(re.findall(r"\"(\w+)\": ", SOURCE)))
MUTATIONS = sorted(resolvers._MUTATIONS)
SWEEP = "{program: t.py, method: random, parameters: {x: {min: 0, max: 1}}}"
IDS = [encode_id(kind, n) for kind in ("Run", "Sweep", "Agent", "Artifact", "File") for n in (1, 2)]
NASTY_TEXTS = [
    *("", "\0", "../../x", "/etc/passwd", "..\\x", "a/b", "%2e%2e%2f", "<script>alert(1)</script>"),
    *("NaN", "[" * 2000, '{"a":' * 200 + "1" + "}" * 200, '"\\ud800"', "ü" * 300, "‮", "{}", "[]"),
    *(
        '{"$regex": "("}',
        '{"$and": [{"$or": 3}]}',
        '{"x": {"$in": 3}}',
        "-summary_metrics.x.y",
        "'",
    ),
    *("x: &a [1]\ny: [*a]", SWEEP, "&a [*a]", "!!python/object:os.system x", "1" * 5000, "1e999"),
    *("kept", "gradsweep", "local", "latest", "v0", "_step", "RUNNING", "CANCELED", *IDS),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NASTY_TEXTS),
    st.text(max_size=20),
    st.integers(),
    st.sampled_from([2**53, 2**63, -(2**63) - 1, 10**400, -1, 0]),
    st.floats(),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(ARGUMENTS) | st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=6,
)
INPUTS = st.dictionaries(st.sampled_from(ARGUMENTS), JSON, max_size=8)
# What most mutations need, to get past their first check.
VALID = {
    **{"entityName": "local", "projectName": "gradsweep", "modelName": "gradsweep"},
    **{"entity": "local", "project": "gradsweep", "runName": "kept", "name": "kept"},
    **{"id": encode_id("Run", 1), "sweep": encode_id("Sweep", 1), "config": SWEEP},
    **{"artifactID": encode_id("Artifact", 1), "digest": "d", "artifactTypeName": "t"},
    **{"artifactCollectionName": "c", "artifactSequenceName": "c"},
}
BYTES = st.binary(max_size=200)


SELECTIONS = st.recursive(
    st.just(""),
    lambda inner: st.lists(
        st.tuples(st.sampled_from(FIELDS), st.lists(st.sampled_from(ARGUMENTS), max_size=2), inner),
        min_size=1,
        max_size=3,
    ).map(lambda fields: "{ " + " ".join(_field(*field) for field in fields) + " }"),
    max_leaves=8,
)


def _field(name: str, arguments: list[str], selection: str) -> str:
    given = ", ".join(f"{argument}: ${argument}" for argument in dict.fromkeys(arguments))
    return f"{name}({given}) {selection}" if given else f"{name} {selection}"
