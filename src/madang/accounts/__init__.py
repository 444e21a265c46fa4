"""Accounts: people, their roles and password hashes; the lowest feature."""
