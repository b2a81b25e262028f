"""What the marts are asked about the units of an experiment, in SQL that both warehouses speak."""

from typing import NamedTuple

from setwise.experiment import Unit as Preferred


class UnitRows(NamedTuple):
    """Statements whose units are those of a flag; their parameters stand in units.py."""

    answers: str
    bought: str
    attached: str
    machines: str
    testers: str
    known_before: str


def unit_of(preferred: Preferred) -> str:
    """An expression over user_key, visitor_key and request_id."""
    other = "visitor" if preferred == "user" else "user"
    return f"coalesce(nullif({preferred}_key, ''), nullif({other}_key, ''), request_id)"


def unit_rows(preferred: Preferred) -> UnitRows:
    """Of a flag that buckets users, or visitors, where it knows both."""
    other = "visitor" if preferred == "user" else "user"
    unit, person = unit_of(preferred), f"coalesce(nullif({preferred}_key, ''), {other}_key)"
    # strpos is in both dialects, and no part of a name is a pattern to it.
    under = "FROM marts.fct_served WHERE served_at >= ? AND served_at < ? AND strpos(experiment, ?) > 0"
    answers = f"""
        SELECT {unit} AS unit, CASE WHEN {preferred}_key <> '' THEN '{preferred}' WHEN {other}_key <> '' THEN '{other}'
            ELSE 'request' END AS kind, experiment, min(served_at) AS first_at, count(*) AS answers,
            sum(total_ms) AS total_ms, min(nullif(language, '')) AS language,
            (array_agg(device ORDER BY served_at) FILTER (WHERE device <> ''))[1] AS device
        {under} GROUP BY 1, 2, 3
    """
    # An order often names the user alone: it is of the unit that this user was first answered as.
    users = f"""
        SELECT user_key, {unit} AS unit, row_number() OVER (PARTITION BY user_key ORDER BY served_at, {unit}) AS place
        {under} AND user_key <> ''
    """
    bought = f"""
        WITH answers AS ({answers}), users AS ({users}),
        firsts AS (SELECT unit, min(first_at) AS first_at FROM answers GROUP BY unit),
        lines AS (
            SELECT coalesce(of_{preferred}.unit, of_{other}.unit, of_request.unit) AS unit, orders.*, ordered_at >=
                coalesce(of_{preferred}.first_at, of_{other}.first_at, of_request.first_at) AS is_after
            FROM marts.fct_orders AS orders
            LEFT JOIN users ON users.user_key = orders.user_key AND users.place = 1
            LEFT JOIN firsts AS of_user ON of_user.unit = users.unit
            LEFT JOIN firsts AS of_visitor ON of_visitor.unit = orders.visitor_key
            LEFT JOIN firsts AS of_request ON of_request.unit = orders.credited_request_id
            WHERE ordered_at >= ? AND ordered_at < ? AND NOT is_machine
        )
        SELECT unit, currency,
            sum(CASE WHEN is_after THEN revenue_cents - refunded_cents ELSE 0 END) AS revenue,
            sum(CASE WHEN is_after THEN margin_cents ELSE 0 END) AS margin,
            sum(CASE WHEN is_after THEN quantity ELSE 0 END) AS pieces,
            sum(CASE WHEN is_after AND margin_cents IS NULL THEN 1 ELSE 0 END) AS without_cost,
            sum(CASE WHEN ordered_at < ? THEN revenue_cents - refunded_cents ELSE 0 END) AS spent_before
        FROM lines WHERE unit IS NOT NULL GROUP BY unit, currency
    """  # noqa: S608
    attached = f"""
        SELECT unit, sum(products_bought), sum(items)
        FROM marts.fct_bundle_outcomes AS bundles
        INNER JOIN (SELECT DISTINCT {unit} AS unit, request_id {under}) AS requests
            ON requests.request_id = bundles.request_id
        GROUP BY unit
    """  # noqa: S608
    machines = " UNION ".join(
        f"SELECT DISTINCT {person} FROM marts.{table} WHERE is_machine AND occurred_at >= ? AND occurred_at < ?"  # noqa: S608
        for table in ("fct_interactions", "fct_impressions")
    )
    testers = f"SELECT DISTINCT {unit} FROM marts.fct_served WHERE is_test AND served_at >= ? AND served_at < ?"  # noqa: S608
    known_before = f"""
        WITH users AS ({users})
        SELECT coalesce(users.unit, person_key) FROM marts.dim_users
        LEFT JOIN users ON users.user_key = person_key AND users.place = 1 WHERE first_seen_at < ?
    """  # noqa: S608
    return UnitRows(answers, bought, attached, machines, testers, known_before)
