-- The lines of each order once: of several purchases with one order_id the first that came counts, and a purchase
-- before the same order of the orders file.
with events as (
    select distinct order_id, source, event_id, received_at
    from {{ ref('stg_interaction_items') }}
    where kind = 'purchase'
),

purchases as (
    select
        order_id, source, event_id,
        row_number() over (partition by order_id order by received_at, source, event_id) as place
    from events
),

of_file as (
    select orders.*
    from {{ ref('stg_orders') }} as orders
    left join purchases on purchases.order_id = orders.order_id and purchases.place = 1
    where purchases.order_id is null
),

bought as (
    select
        'event' as origin, items.order_id, items.item_number as line_number, items.occurred_at as ordered_at,
        items.user_key, items.visitor_key, items.product_id, items.quantity, items.price_cents, items.currency,
        items.is_machine
    from {{ ref('stg_interaction_items') }} as items
    inner join purchases
        on purchases.source = items.source and purchases.event_id = items.event_id and purchases.place = 1
    where items.kind = 'purchase'
    union all
    select
        'history' as origin, order_id, line_number, ordered_at, user_key, '' as visitor_key, product_id, quantity,
        price_cents, currency, false as is_machine
    from of_file
    where quantity > 0
),

counted as (
    select
        bought.*,
        sum(quantity) over (partition by order_id, product_id) as quantity_in_order,
        coalesce(sum(quantity) over (
            partition by order_id, product_id order by line_number rows between unbounded preceding and 1 preceding
        ), 0) as quantity_before
    from bought
),

refunds_of_products as (
    select order_id, product_id, sum(quantity) as quantity
    from {{ ref('stg_interaction_items') }}
    where kind = 'refund'
    group by order_id, product_id
),

refunds_of_orders as (
    select distinct order_id
    from {{ ref('fct_interactions') }}
    where kind = 'refund' and item_number = 0
),

returns_in_file as (
    select order_id, product_id, -sum(quantity) as quantity
    from {{ ref('stg_orders') }}
    where quantity < 0
    group by order_id, product_id
),

-- A piece that both an event and the file take back came back once; the file's returns are lines of their own below.
with_returns as (
    select
        counted.*,
        case
            when whole.order_id is not null then counted.quantity_in_order
            else greatest(coalesce(parts.quantity, 0), coalesce(returned.quantity, 0))
        end - case when counted.origin = 'history' then coalesce(returned.quantity, 0) else 0 end as came_back
    from counted
    left join refunds_of_products as parts
        on parts.order_id = counted.order_id and parts.product_id = counted.product_id
    left join returns_in_file as returned
        on returned.order_id = counted.order_id and returned.product_id = counted.product_id
    left join refunds_of_orders as whole on whole.order_id = counted.order_id
)

select
    origin, order_id, line_number, ordered_at, user_key, visitor_key, product_id, quantity, price_cents, currency,
    is_machine, cast(least(quantity, greatest(came_back - quantity_before, 0)) as integer) as refunded_quantity
from with_returns
union all
select
    'history' as origin, order_id, line_number, ordered_at, user_key, '' as visitor_key, product_id, 0 as quantity,
    price_cents, currency, false as is_machine, -quantity as refunded_quantity
from of_file
where quantity < 0
