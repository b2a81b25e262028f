"""How fast the service answers under an open loop of unique prompts, and what that costs; results as JSON under var/bench."""
