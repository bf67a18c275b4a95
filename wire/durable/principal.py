"""A principal inside an Envelope (KIP-590): its type, name, and whether a delegation token stood for it."""

from ..schema import Data, boolean, string


class DefaultPrincipalData(Data, versions="0", flexible="0+"):
    type: str = string()
    name: str = string()
    token_authenticated: bool = boolean()
