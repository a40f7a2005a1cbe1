"""A client that proves itself by a signature and shows no secret: `private_key_jwt` (RFC 7523; OpenID Connect Core, 9).

What is signed is good once (`jti`), for `LIFE_S`, at one authorization server: its issuer is the audience, as MCP wants
it (https://modelcontextprotocol.io/extensions/auth/oauth-client-credentials, seen 2026-11-26).
"""

from __future__ import annotations

import secrets

import msgspec

from tollbridge.secret import Secret

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_S = 300


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """`key`: a private key as PEM. `id`: which of our keys it is (`kid`). `audience`: in the place of the issuer, where
    the operator named the token endpoint and no issuer is known."""

    key: Secret
    id: str | None = None
    algorithm: str = "RS256"
    audience: str | None = None

    def assertion(self, client_id: str, issuer: str, now: float) -> str:
        """Raises ValueError where nothing can be signed with this key."""
        import jwt  # when first used: it is slow to import

        said = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience or issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": int(now),
            "exp": int(now) + LIFE_S,
        }
        pem = self.key.reveal().replace("\\n", "\n")  # as one line of an environment has it
        try:
            return jwt.encode(said, pem, self.algorithm, None if self.id is None else {"kid": self.id})
        except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
            raise ValueError(f"the private key does not sign with {self.algorithm}") from error
