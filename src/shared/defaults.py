"""Names and numbers that both sides of the W&B protocol take when nobody says otherwise."""

ENTITY = "local"  # the one user of the embedded server
PROJECT = "gradsweep"
PORT = 8765  # of the embedded server, on 127.0.0.1
