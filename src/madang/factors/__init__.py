"""Second factors: one-time codes from an authenticator app, passkeys, and recovery codes."""
