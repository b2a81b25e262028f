{{ config(
    materialized='incremental', unique_key=['source', 'event_id'],
    post_hook=["{{ forget('interactions', {'source': 'source', 'id': 'event_id'}) }}", "{{ measured() }}"]
) }}
with events as (
    select * from {{ ref('stg_interactions') }}
    {{ since_last_run('where') }}
)

select
    source,
    event_id,
    cast(listed.item_number as integer) as item_number,
    kind,
    occurred_at,
    received_at,
    loaded_at,
    user_key,
    visitor_key,
    request_id,
    coalesce(nullif({{ said('item', 'bundle_id') }}, ''), bundle_id) as bundle_id,
    order_id,
    currency,
    is_unserved,
    is_machine,
    {{ said('item', 'product_id') }} as product_id,
    coalesce(cast((item ->> 'quantity') as integer), 1) as quantity,
    cast((item ->> 'price_cents') as bigint) as price_cents,
    {{ said('item', 'slot') }} as slot,
    cast((item ->> 'position') as integer) as position
from events
{{ listed('events.data', 'items') }}
