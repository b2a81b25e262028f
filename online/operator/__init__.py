"""What the operator's pages ask: of this process, of the shop's files, and of a prompt step by step."""
