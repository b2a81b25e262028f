{{ config(materialized='incremental', unique_key='answer_id', post_hook="{{ forget('served', {'id': 'answer_id'}) }}") }}
select
    answer_id,
    request_id,
    served_at,
    {{ report_day('served_at') }} as served_on,
    route,
    client,
    release_id,
    served_by,
    experiment,
    user_key,
    visitor_key,
    language,
    prompt,
    infeasible,
    bundles,
    products,
    degraded,
    understand_ms,
    encode_ms,
    retrieve_ms,
    hydrate_ms,
    rank_ms,
    assemble_ms,
    total_ms,
    trace_id,
    loaded_at,
    is_test,
    device
from {{ ref('stg_served') }}
where failed_status = 0
{{ since_last_run('and') }}
