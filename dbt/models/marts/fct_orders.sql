with costs as (
    select
        lines.*,
        cast(
            (lines.quantity - lines.refunded_quantity) * cast(products.cost_cents as bigint) as bigint
        ) as cost_cents
    from {{ ref('int_order_lines') }} as lines
    left join {{ ref('stg_products') }} as products
        on products.product_id = lines.product_id and products.currency = lines.currency
)

select
    lines.order_id,
    lines.line_number,
    lines.ordered_at,
    {{ report_day('lines.ordered_at') }} as ordered_on,
    lines.user_key,
    lines.visitor_key,
    lines.product_id,
    lines.quantity,
    lines.price_cents,
    lines.currency,
    cast(lines.quantity * coalesce(lines.price_cents, 0) as bigint) as revenue_cents,
    lines.refunded_quantity,
    cast(lines.refunded_quantity * coalesce(lines.price_cents, 0) as bigint) as refunded_cents,
    credits.credited_by,
    credits.credited_at,
    credits.request_id as credited_request_id,
    nullif(credits.bundle_id, '') as credited_bundle_id,
    lines.is_machine,
    lines.origin,
    case
        when lines.refunded_quantity = 0 then 'kept'
        when lines.refunded_quantity < lines.quantity then 'part returned'
        else 'returned'
    end as line_status,
    sum(lines.refunded_quantity) over (partition by lines.order_id)
        >= sum(lines.quantity) over (partition by lines.order_id) as is_cancelled,
    lines.cost_cents,
    cast(
        (lines.quantity - lines.refunded_quantity) * lines.price_cents - lines.cost_cents as bigint
    ) as margin_cents
from costs as lines
left join {{ ref('int_credits') }} as credits
    on credits.order_id = lines.order_id and credits.line_number = lines.line_number
