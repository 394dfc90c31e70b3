"""Real damage to database files, always the same for the same seed."""

import random
from pathlib import Path

PAGE = 4096


def flip_bits(file: Path, seed: int, count: int = 8) -> None:
    """Flip single bits, anywhere behind the file's header."""
    chance = random.Random(seed)
    content = bytearray(file.read_bytes())
    for _ in range(count):
        content[chance.randrange(100, len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def zero_page(file: Path, seed: int) -> None:
    """Make all of one page zero, but not of the first, which has the schema."""
    content = bytearray(file.read_bytes())
    page = random.Random(seed).randrange(1, len(content) // PAGE)
    content[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    file.write_bytes(content)


def truncate(file: Path, seed: int) -> None:
    """Cut the file off somewhere."""
    content = file.read_bytes()
    file.write_bytes(content[: random.Random(seed).randrange(PAGE, len(content) - 1)])
