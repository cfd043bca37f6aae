"""Pictures taken apart into layers, laid together again, and written for other programs."""
