"""The mathematics of flow matching; knows no network, no text and no picture."""
