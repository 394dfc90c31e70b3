"""Tables (pandas), figures (matplotlib, seaborn) and the HTML report of a trained model."""
