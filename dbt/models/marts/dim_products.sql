with seen as (
    select product_id, served_at as seen_at, price_cents, currency from {{ ref('stg_served_items') }}
    union all
    select product_id, occurred_at as seen_at, price_cents, currency from {{ ref('stg_interaction_items') }}
),

placed as (
    select
        seen.*,
        row_number() over (
            partition by product_id
            order by case when price_cents is null then 1 else 0 end, seen_at desc, price_cents, currency
        ) as place,
        min(seen_at) over (partition by product_id) as first_seen_at,
        max(seen_at) over (partition by product_id) as last_seen_at
    from seen
)

select
    product_id,
    first_seen_at,
    last_seen_at,
    price_cents as last_price_cents,
    currency as last_currency
from placed
where place = 1
