"""What of a product is embedded, and what of it is indexed as words."""

from setwise.catalogue import Product, indexed_text, product_text
from setwise.names import ProductId

PATHS = ("Clothing > Women > Dresses > Casual", "Sale > Women > Dresses")
DRESS = Product(ProductId("p"), "Halter maxi", 1_000, "USD", product_types=PATHS, description="Light and long.")


def test_the_last_two_levels_of_the_first_path_are_embedded_and_no_others():
    assert product_text(DRESS) == "Halter maxi. Dresses Casual. Light and long."


def test_every_level_of_every_path_is_indexed_once():
    assert indexed_text(DRESS) == "Halter maxi. Dresses Casual. Light and long. Clothing Women Sale"


def test_without_a_further_level_what_is_indexed_is_what_is_embedded():
    flat = Product(ProductId("p"), "Halter maxi", 1_000, "USD", product_types=("Dresses",))
    assert indexed_text(flat) == product_text(flat) == "Halter maxi. Dresses"
    bare = Product(ProductId("p"), "Halter maxi", 1_000, "USD")
    assert indexed_text(bare) == product_text(bare) == "Halter maxi"
