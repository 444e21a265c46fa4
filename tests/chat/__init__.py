"""Chat, through the front door."""
