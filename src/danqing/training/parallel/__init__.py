"""How many processes train one model: applied from outside, to models that know of one device."""
