"""The port of identity providers: Google, and any OpenID Connect issuer."""

from collections.abc import Mapping

from madang.backends.oidc.base import IdentityProvider
from madang.kit.oidc_provider import OidcProvider


def open_identity_providers(configured: Mapping[str, OidcProvider]) -> dict[str, IdentityProvider]:
    """The providers by name; none is asked before somebody signs in with it."""
    if not configured:
        return {}
    from madang.backends.oidc.authlib import AuthlibProvider

    return {
        name: AuthlibProvider(
            name,
            one.label or name.capitalize(),
            one.issuer,
            one.client_id,
            one.client_secret.get_secret_value(),
            one.scopes,
        )
        for name, one in configured.items()
    }
