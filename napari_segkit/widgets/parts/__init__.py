"""What docks are put together from: forms, lists, choosers, lines that say how it goes."""
