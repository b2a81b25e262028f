"""What did an experiment show? Units from the marts, metrics with intervals that hold at any look, and plain words."""
