select
    served_on,
    route,
    cast(count(*) as bigint) as answers,
    sum(total_ms) / 1000 as busy_seconds,
    sum(total_ms) / 1000 / 3600 * {{ var('cpu_hour_cents') }} as cost_cents,
    sum(total_ms) / 1000 / 3600 * {{ var('cpu_hour_cents') }} / count(*) as cost_cents_per_answer
from {{ ref('fct_served') }}
group by served_on, route
