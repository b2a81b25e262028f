select
    source,
    id as answer_id,
    time as served_at,
    loaded_at,
    {{ said('data', 'request_id') }} as request_id,
    {{ said('data', 'route') }} as route,
    {{ said('data', 'client') }} as client,
    {{ said('data', 'release') }} as release_id,
    {{ said('data', 'served_by') }} as served_by,
    {{ said('data', 'user') }} as user_key,
    {{ said('data', 'visitor') }} as visitor_key,
    {{ said('data', 'session') }} as session_key,
    {{ said('data', 'prompt') }} as prompt,
    {{ said('data', 'infeasible') }} as infeasible,
    {{ said('data', 'trace_id') }} as trace_id,
    {{ said('data', 'experiment') }} as experiment,
    {{ said('data', 'currency') }} as currency,
    {{ entries('data', 'degraded') }} as degraded,
    {{ entries('data', 'bundles') }} as bundles,
    {{ entries('data', 'products') }} as products,
    cast(coalesce(data ->> 'failed', '0') as integer) as failed_status,
    cast(coalesce(data ->> 'count', '1') as integer) as requests,
    {% for stage in ('understand', 'encode', 'retrieve', 'hydrate', 'rank', 'assemble', 'total') -%}
    coalesce(cast((data -> 'timings_ms' ->> '{{ stage }}') as double precision), 0) as {{ stage }}_ms,
    {% endfor -%}
    {{ said("data -> 'understood'", 'language') }} as language,
    data
from {{ source('raw', 'served') }}
