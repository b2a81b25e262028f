{{ config(
    materialized='incremental', unique_key='answer_id',
    post_hook=["{{ forget('served', {'id': 'answer_id'}) }}", "{{ measured() }}"]
) }}
with answers as (
    select * from {{ ref('stg_served') }}
    {{ since_last_run('where') }}
)

select
    {{ said('listed.item', 'bundle_id') }} as bundle_id,
    request_id,
    answer_id,
    served_at,
    loaded_at,
    user_key,
    visitor_key,
    route,
    release_id,
    served_by,
    experiment,
    cast((listed.item ->> 'position') as integer) as position,
    {{ said('listed.item', 'label') }} as label,
    cast((listed.item ->> 'total_cents') as bigint) as total_cents,
    {{ said('listed.item', 'currency') }} as bundle_currency,
    cast((listed.item ->> 'score') as double precision) as score,
    {{ said('listed.item', 'parent_bundle_id') }} as parent_bundle_id,
    {{ entries('listed.item', 'items') }} as items,
    coalesce(cast((listed.item ->> 'propensity') as double precision), 1) as propensity,
    coalesce(cast((listed.item ->> 'rank') as integer), cast((listed.item ->> 'position') as integer)) as place_by_score,
    explore_share,
    bundles as places
from answers
{{ listed('answers.data', 'bundles') }}
