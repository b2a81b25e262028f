"""A client of the service for shops' own servers; it needs nothing of the rest of Setwise."""

from setwise_client import messages
from setwise_client.async_client import AsyncSetwiseClient
from setwise_client.calls import CatalogueChange
from setwise_client.client import SetwiseClient
from setwise_client.events import EventSender, Item, Kind, Refused, RefusedCallError
from setwise_client.problems import ProblemError
from setwise_client.stream import Progress

__all__ = [
    "AsyncSetwiseClient",
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
