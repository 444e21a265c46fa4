"""Sign-in with Google and other OpenID Connect issuers, and the identities linked to an account."""
