"""A client of the service for shops' own servers; it needs nothing of the rest of Setwise."""

from setwise_client.events import EventSender, Item, Kind, Refused, RefusedCallError

__all__ = ["EventSender", "Item", "Kind", "Refused", "RefusedCallError"]
