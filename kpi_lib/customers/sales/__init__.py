"""How customers are won: leads, demos, channels, and what it costs."""
