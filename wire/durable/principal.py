"""principal"""

from ..schema import Data, boolean, string


class DefaultPrincipalData(Data, versions="0", flexible="0+"):
    type: str = string()
    name: str = string()
    token_authenticated: bool = boolean()
