"""Words that shoppers type and the catalogue does not know: what was bought after them says which kind they mean."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from setwise.catalogue import leaf_category
from setwise.names import ProductId
from setwise.prompt import understand
from setwise.prompt.lexicon import lexicon_of
from setwise.snapshot import Snapshot
from setwise.vocabulary import Vocabulary, words_of

LEARNED_FROM = timedelta(days=90)
PEOPLE = 5
"""A word that fewer people typed and bought after is nobody's business but theirs."""
MOST_WORDS = 500
PULL = 5.0
"""What a kind's share among all purchases counts, in purchases: a word of few purchases hardly says anything."""
LEAST_SHARE = 0.5
"""Of what was bought after a word, so pulled, the kind that it names must have this."""
SHORTEST = 3
BOUGHT = (
    "SELECT answered.prompt, coalesce(nullif(answered.user_key, ''), answered.visitor_key), orders.product_id, "
    "orders.ordered_at FROM marts.fct_orders AS orders JOIN marts.fct_served AS answered "
    "ON answered.request_id = orders.credited_request_id "
    "WHERE answered.prompt <> '' AND answered.language = ? AND orders.ordered_at >= ? AND NOT orders.is_machine "
    "AND coalesce(nullif(answered.user_key, ''), answered.visitor_key, '') <> '' "
    "ORDER BY orders.ordered_at, orders.order_id, orders.line_number"
)
MADE = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'marts' AND table_name = 'fct_orders'"
NEWEST_ORDER = "SELECT max(ordered_at) FROM marts.fct_orders"
Words = dict[str, dict[str, int]]


class Typed(msgspec.Struct, frozen=True):
    """One product that was bought after a sentence: its leaf category, who, and the sentence's words that nothing of
    the catalogue explains."""

    who: str
    prompt: str
    product: ProductId
    leaf: str
    unknown: tuple[str, ...]


def learned_period(warehouse: Warehouse) -> tuple[datetime, datetime] | None:
    """From when to when purchases teach; None before there are marts with orders. Raises WarehouseDownError."""
    if not warehouse.rows(MADE)[0][0]:
        return None
    ((newest,),) = warehouse.rows(NEWEST_ORDER)
    return None if newest is None else (newest - LEARNED_FROM, newest)


def purchases_of(warehouse: Warehouse, snapshot: Snapshot, vocabulary: Vocabulary) -> list[Typed]:
    """Oldest first; [] before there are marts. People who were forgotten are not among them, and a sentence that was
    emptied says nothing. Raises WarehouseDownError."""
    if (period := learned_period(warehouse)) is None:
        return []
    found = []
    for prompt, who, product_id, _ in warehouse.rows(BOUGHT, [vocabulary.language, naive(period[0])]):
        row = snapshot.row_of(ProductId(product_id))
        leaf = "" if row is None else leaf_category(snapshot[row])
        if leaf and (unknown := unknown_words(prompt, leaf, vocabulary)):
            found.append(Typed(who, prompt, ProductId(product_id), leaf, unknown))
    return found


def unknown_words(prompt: str, leaf: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The words that neither the catalogue nor a table of words knows; none where the sentence names the kind that was
    bought, which says nothing of its other words."""
    if any(leaf in wish.categories for wish in understand(prompt, vocabulary).named):
        return ()
    known = lexicon_of(vocabulary).of(vocabulary.language)[1].known
    words = (word for word in words_of(prompt) if len(word) >= SHORTEST and word.isalpha() and word not in known)
    return tuple(dict.fromkeys(words))


def kinds_of_words(purchases: Sequence[Typed]) -> Words:
    """Each word that enough people typed and that one kind was mostly bought after, with its people by kind. A person
    counts once for a word and kind, however much they buy."""
    usual, total = Counter(one.leaf for one in purchases), len(purchases)
    people: dict[str, set[tuple[str, str]]] = {}
    for one in purchases:
        for word in one.unknown:
            people.setdefault(word, set()).add((one.who, one.leaf))
    found: Words = {}
    for word, pairs in sorted(people.items(), key=lambda item: (-len(item[1]), item[0])):
        counts = Counter(leaf for _, leaf in pairs)
        leaf, most = max(counts.items(), key=lambda item: (item[1], item[0]))
        share = (most + PULL * usual[leaf] / total) / (counts.total() + PULL)
        if most >= PEOPLE and share >= LEAST_SHARE and len(found) < MOST_WORDS:
            # Kinds that fewer people mean by it are not told: they would be somebody's.
            found[word] = {kind: count for kind, count in sorted(counts.items()) if count >= PEOPLE}
    return found


def with_a_word(purchases: Iterable[Typed], words: Collection[str]) -> list[Typed]:
    """The purchases after sentences that one of the words is in."""
    return [one for one in purchases if any(word in words for word in one.unknown)]


def taught(vocabulary: Vocabulary, words: Mapping[str, dict[str, int]]) -> Vocabulary:
    """The vocabulary with these words beside its own."""
    return msgspec.structs.replace(vocabulary, typed=dict(words))
