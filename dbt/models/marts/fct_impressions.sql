{{ config(
    materialized='incremental', unique_key=['source', 'event_id'],
    post_hook="{{ forget('interactions', {'source': 'source', 'id': 'event_id'}) }}"
) }}
select
    source,
    event_id,
    occurred_at,
    {{ report_day('occurred_at') }} as occurred_on,
    user_key,
    visitor_key,
    session_key,
    request_id,
    bundle_id,
    items,
    is_unserved,
    is_machine,
    loaded_at
from {{ ref('stg_interactions') }}
where kind = 'impression'
    {{ since_last_run('and') }}
