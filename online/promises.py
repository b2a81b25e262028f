"""What every answer keeps, looked at once more on its way out: a broken one is counted, and pages somebody."""

from online.messages import BundleAnswer, BundleOut, BundleRequest


def broken(request: BundleRequest, answer: BundleAnswer) -> list[str]:
    """Promises that this answer breaks by what it says itself: number, total, budget, twice, locked, excluded, basket.

    Stock and prices are the catalogue's; a build looks at those (online/probe.py)."""
    budget = answer.understood.budget
    limit = None
    if budget is not None and budget.scope == "total" and budget.currency in {b.currency for b in answer.bundles}:
        limit = budget.max_cents
    found = ["number"] if len(answer.bundles) > request.n_bundles else []
    never, locked = {*request.exclude, *request.basket}, set(request.lock)
    for bundle in answer.bundles:
        found += _broken_by(bundle, limit, locked, never - locked)
    return found


def _broken_by(bundle: BundleOut, limit: int | None, locked: set[str], never: set[str]) -> list[str]:
    ids = {item.product_id for item in bundle.items}
    found = []
    if not ids:
        found.append("empty")
    if sum(item.price_cents * item.quantity for item in bundle.items) != bundle.total_cents:
        found.append("total")
    if limit is not None and bundle.total_cents > limit:
        found.append("budget")
    if len(ids) < len(bundle.items):
        found.append("twice")
    if not locked <= ids:
        found.append("locked")
    if ids & never:
        found.append("excluded")
    return found
