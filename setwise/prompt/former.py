"""What the shopper had before: 'the old one was too short', 'my phone died', 'our last mattress'."""

from setwise.prompt.clauses import Chunk
from setwise.prompt.reading import Reading


def is_about_the_former(reading: Reading, chunk: Chunk) -> bool:
    """'The old one was too short' wishes nothing."""
    table = reading.table
    if table.former.isdisjoint(reading.words[chunk.start + 1 : chunk.start + 4]):
        return False
    words = reading.words[chunk.start : chunk.end]
    while words and words[0] in table.openers:
        words = words[1:]
    if len(words) < 3 or words[0] not in table.definite or words[1] not in table.former:
        return False
    return words[2] in ("one", "ones") or words[2] in table.verbs or words[2] in table.spent


def is_replaced(reading: Reading, i: int) -> bool:
    """True for the product at `i` in 'my phone died', 'we paid 900 for our last bed': another one may be wished."""
    words, table = reading.words, reading.table
    if i and words[i - 1] in table.former:
        return reading.state[i] in ("", "money")
    is_subject = i > 0 and words[i - 1] in table.possessive and (i == 1 or reading.ends_sentence(i - 2))
    return is_subject and not reading.state[i]
