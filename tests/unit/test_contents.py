"""What a word for an ingredient or a material leaves out besides itself."""

from setwise.languages.contents import what_holds


def test_who_wants_no_alcohol_wants_no_wine_in_any_language() -> None:
    assert {"wine", "bier", "vin", "cerveza"} <= set(what_holds("alcohol"))
    assert what_holds("Alkohol") == what_holds("alcohol")


def test_a_word_that_the_table_lacks_leaves_out_nothing_else() -> None:
    assert what_holds("polyester") == ()
