"""The analysts' database: raw tables that are filled from the log, each record once, with the offsets beside them."""
