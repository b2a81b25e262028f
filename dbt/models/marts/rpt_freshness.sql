-- depends_on: {{ ref('dim_users') }}, {{ ref('rpt_bundle_performance_daily') }}, {{ ref('rpt_experiment_results') }}
-- depends_on: {{ ref('rpt_service_levels_hourly') }}, {{ ref('rpt_recommendation_cost_daily') }}
-- depends_on: {{ ref('rpt_catalogue_coverage') }}
-- Built last, so that its time is that of a whole run.
with counted as (
    select 'fct_served' as table_name, count(*) as row_count, max(served_at) as newest_at, max(loaded_at) as loaded_at
    from {{ ref('fct_served') }}
    union all
    select 'fct_impressions', count(*), max(occurred_at), max(loaded_at) from {{ ref('fct_impressions') }}
    union all
    select 'fct_interactions', count(*), max(occurred_at), max(loaded_at) from {{ ref('fct_interactions') }}
    union all
    select 'fct_orders', count(*), max(ordered_at), null from {{ ref('fct_orders') }}
)

select
    table_name,
    cast(row_count as bigint) as row_count,
    newest_at,
    loaded_at,
    cast(current_timestamp at time zone 'UTC' as timestamp) as built_at
from counted
