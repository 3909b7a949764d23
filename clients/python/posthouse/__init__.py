"""A client of the REST API of Posthouse.

:class:`Client` has every operation by its group, such as ``client.users.create_user(…)``; they and the models are generated from the
API's document into :mod:`posthouse.generated`. Written by hand are what lets it in, what it does when the server asks to wait, and
:func:`every`, which walks through lists."""

from posthouse import models
from posthouse.client import Client, every, problem
from posthouse.generated.exceptions import ApiException

__all__ = ["ApiException", "Client", "every", "models", "problem"]
