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
    is_machine
from {{ ref('stg_interactions') }}
where kind = 'impression'
