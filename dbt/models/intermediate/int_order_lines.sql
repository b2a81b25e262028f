-- The lines of each order once: of several purchases with one order_id the first that came counts.
with purchases as (
    select
        source, event_id,
        row_number() over (partition by order_id order by received_at, source, event_id) as place
    from {{ ref('stg_interactions') }}
    where kind = 'purchase'
),

lines as (
    select
        items.order_id, items.item_number as line_number, items.source, items.event_id,
        items.occurred_at as ordered_at, items.user_key, items.visitor_key, items.product_id, items.quantity,
        items.price_cents, items.currency, items.is_machine,
        coalesce(sum(items.quantity) over (
            partition by items.order_id, items.product_id order by items.item_number
            rows between unbounded preceding and 1 preceding
        ), 0) as quantity_before
    from {{ ref('stg_interaction_items') }} as items
    inner join purchases
        on purchases.source = items.source and purchases.event_id = items.event_id and purchases.place = 1
    where items.kind = 'purchase'
),

refunds_of_products as (
    select order_id, product_id, sum(quantity) as quantity
    from {{ ref('stg_interaction_items') }}
    where kind = 'refund'
    group by order_id, product_id
),

refunds_of_orders as (
    select distinct order_id
    from {{ ref('stg_interactions') }}
    where kind = 'refund' and items = 0
)

select
    lines.order_id, lines.line_number, lines.ordered_at, lines.user_key, lines.visitor_key, lines.product_id,
    lines.quantity, lines.price_cents, lines.currency, lines.is_machine,
    cast(case
        when whole.order_id is not null then lines.quantity
        when parts.quantity is null then 0
        else least(lines.quantity, greatest(parts.quantity - lines.quantity_before, 0))
    end as integer) as refunded_quantity
from lines
left join refunds_of_products as parts
    on parts.order_id = lines.order_id and parts.product_id = lines.product_id
left join refunds_of_orders as whole on whole.order_id = lines.order_id
