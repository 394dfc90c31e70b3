"""Names and numbers that both sides of the W&B protocol take when nobody says otherwise."""

ENTITY = "local"  # the one user of the embedded server
PROJECT = "gradsweep"
# What the client calls the project of runs when it has been told of none; for their sweeps it then
# names no project at all.
UNNAMED_PROJECT = "uncategorized"
HOST = "127.0.0.1"  # of the embedded server: nobody reaches it from another machine
PORT = 8765
