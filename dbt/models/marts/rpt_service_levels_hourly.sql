with answered as (
    select
        date_trunc('hour', served_at) as served_in,
        route,
        cast(count(*) as bigint) as answers,
        percentile_cont(0.5) within group (order by total_ms) as p50_ms,
        percentile_cont(0.95) within group (order by total_ms) as p95_ms,
        percentile_cont(0.99) within group (order by total_ms) as p99_ms,
        {{ share("sum(case when served_by <> 'full' or degraded > 0 then 1 else 0 end)", 'count(*)') }}
            as degraded_share,
        {{ share('sum(case when bundles + products = 0 then 1 else 0 end)', 'count(*)') }} as empty_share
    from {{ ref('fct_served') }}
    group by date_trunc('hour', served_at), route
),

failed as (
    select date_trunc('hour', served_at) as served_in, route, cast(sum(requests) as bigint) as failures
    from {{ ref('stg_served') }}
    where failed_status > 0
    group by date_trunc('hour', served_at), route
)

select
    coalesce(answered.served_in, failed.served_in) as served_in,
    coalesce(answered.route, failed.route) as route,
    coalesce(answered.answers, 0) as answers,
    answered.p50_ms,
    answered.p95_ms,
    answered.p99_ms,
    coalesce(answered.degraded_share, 0) as degraded_share,
    coalesce(answered.empty_share, 0) as empty_share,
    coalesce(failed.failures, 0) as failures,
    {{ share('coalesce(failed.failures, 0)', 'coalesce(answered.answers, 0) + coalesce(failed.failures, 0)') }}
        as error_share
from answered
full join failed on failed.served_in = answered.served_in and failed.route = answered.route
