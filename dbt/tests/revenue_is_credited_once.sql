-- What bundles earned is never more than what was sold: a line is credited once, refunds are taken back. Returns that the
-- orders file has as lines of their own belong to no line.
with earned as (
    select currency, sum(revenue_cents) as cents from {{ ref('fct_bundle_outcomes') }} group by currency
),

sold as (
    select currency, sum(revenue_cents - refunded_cents) as cents from {{ ref('fct_orders') }}
    where not is_machine and quantity > 0
    group by currency
)

select earned.currency, earned.cents, sold.cents as sold_cents
from earned
left join sold on sold.currency = earned.currency
where earned.cents > coalesce(sold.cents, 0)
