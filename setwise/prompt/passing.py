"""Money that is mentioned but not to be spent: what something once cost, what was paid, won or given."""

from setwise.languages import Language

SPENT, EARNED = "spent", "earned"
_FARTHEST_BEFORE = 5
_FARTHEST_BEHIND = 4
_ENDS = frozenset([",", ".", ";", "!", "?", ")", "(", ":", "–", "—"])
_COST = "cost"
_NO_FACT = frozenset(
    "that which can could should must may might will would to not total the a max maximum at overall : combined".split()
)
"""Before the English 'cost', which is past, infinitive and noun alike: 'may cost 400', 'the total cost 400'."""


def passing(words: list[str], start: int, end: int, tables: list[Language]) -> tuple[str, int]:
    """('spent' or 'earned', where its verb stands) if the clause of the amount at `start` to `end` says so; else ''."""
    before = range(start - 1, max(-1, start - 1 - _FARTHEST_BEFORE), -1)
    for side in (before, range(end, min(len(words), end + _FARTHEST_BEHIND))):
        for i in side:
            word = words[i]
            if word in _ENDS or any(word in table.clause_joins for table in tables):
                break
            if word == _COST and (side is not before or not i or words[i - 1] in _NO_FACT):
                break
            if any(word in table.spent for table in tables):
                return SPENT, i
            if any(word in table.earned for table in tables):
                return EARNED, i
    return "", -1
