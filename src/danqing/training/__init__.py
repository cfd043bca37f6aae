"""One training loop; what is learned and from what are parts that a recipe names."""
