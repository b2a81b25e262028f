"""What was read out of a prompt."""

import msgspec

from setwise.prompt.budget import Budget

MAX_NAME = 64
ATTRIBUTES = ("styles", "colors", "materials", "sizes", "brands")
"""The kinds of attributes that are wished: fields of Understanding, each a list of words."""


class SlotWish(msgspec.Struct, frozen=True):
    """A product that the shopper named, and how many. `categories`: leaves as the catalogue spells them, best first."""

    name: str
    quantity: int = 1
    text: str = ""
    """What to search for: the name and what was said about it, in the catalogue's language where a table knows it."""
    categories: list[str] = []
    wishes: list[str] = []
    """Colours, materials, styles, brands and sizes that were said of this product."""
    is_kind: bool = False
    """True where the word tables know it as a kind of thing, whether the catalogue has it or not."""


class Exclusions(msgspec.Struct, frozen=True):
    """What no item may be; words are looked for in the product's text."""

    materials: list[str] = []
    colors: list[str] = []
    brands: list[str] = []
    styles: list[str] = []
    categories: list[str] = []
    words: list[str] = []

    def all_words(self) -> list[str]:
        """Every excluded name."""
        return [*self.materials, *self.colors, *self.brands, *self.styles, *self.categories, *self.words]


class Understanding(msgspec.Struct, frozen=True):
    """What was read out of the prompt. `text` is what is left for retrieval, money and exclusions taken out."""

    text: str
    budget: Budget | None = None
    named: list[SlotWish] = []
    is_occasion: bool = False
    colors: list[str] = []
    materials: list[str] = []
    styles: list[str] = []
    brands: list[str] = []
    sizes: list[str] = []
    exclude: Exclusions = Exclusions()
    owned: list[str] = []
    """Leaf categories of what the shopper has already: what is chosen goes with them, and they are not offered."""
    conflicts: list[str] = []
    language: str = "en"
    gender: str = ""
    """Google Merchant's male, female or unisex; '' if nothing was said."""
    age_group: str = ""
    """Google Merchant's newborn, infant, toddler, kids or adult; '' if nothing was said."""
    said: dict[str, str] = {}
    """The shopper's own words for colours, materials, styles and exclusions where they are not the catalogue's."""

    @property
    def says_anything(self) -> bool:
        """False where nothing was read out of the prompt: nothing is wished, denied, owned or to be spent."""
        wished = (*self.named, *self.colors, *self.materials, *self.styles, *self.brands, *self.sizes, *self.owned)
        return bool(self.is_occasion or self.budget or wished or self.exclude.all_words())
