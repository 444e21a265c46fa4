"""The one way to do something later: a fact published in the transaction, relayed and handled at least once."""
