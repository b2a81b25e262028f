"""How fast the service answers under an open loop of unique prompts, and what it costs."""
