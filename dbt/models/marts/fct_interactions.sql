{{ config(
    materialized='incremental', unique_key=['source', 'event_id'],
    post_hook="{{ forget('interactions', {'source': 'source', 'id': 'event_id'}) }}"
) }}
with events as (
    select * from {{ ref('stg_interactions') }}
    where kind <> 'impression'
        {{ since_last_run('and') }}
)

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
    events.is_machine,
    events.loaded_at
from events
left join {{ ref('stg_interaction_items') }} as items
    on items.source = events.source and items.event_id = events.event_id
