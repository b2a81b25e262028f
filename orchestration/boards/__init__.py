"""Boards: one page from the marts that needs neither a server nor a script. `make boards` makes it."""
