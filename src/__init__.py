"""Gradsweep: a hyperparameter-sweep laboratory on TensorFlow and Weights & Biases."""

import os

# Read by TensorFlow when it is imported: only its warnings and errors are for the user's eyes.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A keras.json in the user's home may name another backend.
os.environ["KERAS_BACKEND"] = "tensorflow"
