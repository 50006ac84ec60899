"""How customers use what they pay for: how long they wait for value, how engaged they are, who has gone quiet."""
