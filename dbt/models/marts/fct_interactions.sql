select
    events.source,
    events.event_id,
    coalesce(items.item_number, 0) as item_number,
    events.kind,
    events.occurred_at,
    {{ report_day('events.occurred_at') }} as occurred_on,
    events.user_key,
    events.visitor_key,
    events.session_key,
    events.request_id,
    coalesce(items.bundle_id, events.bundle_id) as bundle_id,
    items.product_id,
    items.quantity,
    items.price_cents,
    items.slot,
    items.position,
    events.currency,
    events.order_id,
    events.query,
    events.form,
    events.is_unserved,
    events.is_machine
from {{ ref('stg_interactions') }} as events
left join {{ ref('stg_interaction_items') }} as items
    on items.source = events.source and items.event_id = events.event_id
where events.kind <> 'impression'
