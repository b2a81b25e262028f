with seen as (
    select product_id, served_at as seen_at, price_cents, currency from {{ ref('stg_served_items') }}
    union all
    select product_id, occurred_at as seen_at, price_cents, currency from {{ ref('stg_interaction_items') }}
    union all
    select product_id, ordered_at as seen_at, price_cents, currency from {{ ref('stg_orders') }}
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
    placed.product_id,
    placed.first_seen_at,
    placed.last_seen_at,
    placed.price_cents as last_price_cents,
    placed.currency as last_currency,
    products.title,
    products.brand,
    products.category,
    products.cost_cents,
    coalesce(products.is_in_feed, false) as is_in_feed
from placed
left join {{ ref('stg_products') }} as products on products.product_id = placed.product_id
where placed.place = 1
