-- Each order line with the one touch that it is credited to, where there is one.
with by_user as (
    select lines.order_id, lines.line_number, lines.ordered_at, touches.*
    from {{ ref('int_order_lines') }} as lines
    inner join {{ ref('int_touches') }} as touches
        on touches.product_id = lines.product_id and touches.user_key = lines.user_key
    where lines.user_key <> '' and lines.quantity > 0
),

by_visitor as (
    select lines.order_id, lines.line_number, lines.ordered_at, touches.*
    from {{ ref('int_order_lines') }} as lines
    inner join {{ ref('int_touches') }} as touches
        on touches.product_id = lines.product_id and touches.visitor_key = lines.visitor_key
    where lines.visitor_key <> '' and lines.quantity > 0
),

both_ways as (
    select * from by_user
    union
    select * from by_visitor
),

allowed as (
    select * from both_ways
    where occurred_at <= ordered_at and (
        (kind = 'click' and occurred_at >= {{ hours_before('ordered_at', var('click_hours')) }})
        or (kind = 'impression' and occurred_at >= {{ hours_before('ordered_at', var('impression_hours')) }})
    )
),

placed as (
    select
        allowed.*,
        row_number() over (
            partition by order_id, line_number
            order by case kind when 'click' then 0 else 1 end, occurred_at desc, source, event_id, bundle_id
        ) as place
    from allowed
)

select
    order_id, line_number, kind as credited_by, occurred_at as credited_at, request_id, bundle_id
from placed
where place = 1
