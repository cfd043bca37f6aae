"""Pictures that are data: depth, classes and boxes as colours, and how they are asked for."""
