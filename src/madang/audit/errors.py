"""What goes wrong with the trail."""


class ChainBroken(Exception):
    """The end of the chain is not what was sealed: entries or the seal were changed."""
