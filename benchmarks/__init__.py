"""Measurements of Gradsweep beside its peers, and of its own costs."""
