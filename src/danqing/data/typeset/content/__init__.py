"""What placeholders are replaced by: names, dates, money and places that agree with each other."""
