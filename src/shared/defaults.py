"""Names and numbers that both sides of the W&B protocol take when nobody says otherwise."""

ENTITY = "local"  # the one user of the embedded server
PROJECT = "gradsweep"
HOST = "127.0.0.1"  # of the embedded server: nobody reaches it from another machine
PORT = 8765
