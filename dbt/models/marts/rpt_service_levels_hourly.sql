select
    date_trunc('hour', served_at) as served_in,
    route,
    cast(count(*) as bigint) as answers,
    percentile_cont(0.5) within group (order by total_ms) as p50_ms,
    percentile_cont(0.95) within group (order by total_ms) as p95_ms,
    percentile_cont(0.99) within group (order by total_ms) as p99_ms,
    {{ share("sum(case when served_by <> 'full' or degraded > 0 then 1 else 0 end)", 'count(*)') }} as degraded_share,
    {{ share('sum(case when bundles + products = 0 then 1 else 0 end)', 'count(*)') }} as empty_share
from {{ ref('fct_served') }}
group by date_trunc('hour', served_at), route
