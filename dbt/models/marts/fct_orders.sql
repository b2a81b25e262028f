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
    lines.is_machine
from {{ ref('int_order_lines') }} as lines
left join {{ ref('int_credits') }} as credits
    on credits.order_id = lines.order_id and credits.line_number = lines.line_number
