"""A client of the service for shops' own servers; it needs nothing of the rest of Setwise."""

from setwise_client import messages
from setwise_client.client import CatalogueChange, SetwiseClient
from setwise_client.events import EventSender, Item, Kind, Refused, RefusedCallError
from setwise_client.problems import ProblemError
from setwise_client.stream import Progress

__all__ = [
    "CatalogueChange",
    "EventSender",
    "Item",
    "Kind",
    "ProblemError",
    "Progress",
    "Refused",
    "RefusedCallError",
    "SetwiseClient",
    "messages",
]
