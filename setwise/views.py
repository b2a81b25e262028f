"""Which feature views are there: by what key is a row found, and which struct is it?"""

import msgspec

from setwise.names import (
    PRODUCT_ENTITY_KEY,
    PRODUCT_STATS_VIEW,
    SESSION_ENTITY_KEY,
    SHOPPER_ENTITY_KEY,
    SHOPPER_PROFILES_VIEW,
    SHOPPER_SESSIONS_VIEW,
)
from setwise.profiles import ShopperProfile
from setwise.sessions import ShopperSession
from setwise.statistics import ProductStats


class View(msgspec.Struct, frozen=True):
    """A feature view: the key its rows are found by, and the struct that one row is."""

    entity_key: str
    row: type[ProductStats] | type[ShopperProfile] | type[ShopperSession]
    is_streamed: bool = False
    """Written row by row from events as they come, not from a build's parquet file; answers do well without it."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features, in the order of the struct."""
        return self.row.__struct_fields__


VIEWS = {
    PRODUCT_STATS_VIEW: View(PRODUCT_ENTITY_KEY, ProductStats),
    SHOPPER_PROFILES_VIEW: View(SHOPPER_ENTITY_KEY, ShopperProfile),
    SHOPPER_SESSIONS_VIEW: View(SESSION_ENTITY_KEY, ShopperSession, is_streamed=True),
}
