"""Network architectures: a RunConfig and the facts of a data set become a Keras model."""
