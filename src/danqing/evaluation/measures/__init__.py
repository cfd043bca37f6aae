"""How near a picture, a depth, a mask or boxes are to the truth: plain numbers in numpy."""
