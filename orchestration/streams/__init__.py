"""Long-running processing of the log's events: what shoppers do now, where answers read it seconds later."""
