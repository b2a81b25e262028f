with listed as (
    select
        answers.*,
        numbers.number as bundle_number,
        answers.data -> 'bundles' -> (numbers.number - 1) as bundle
    from {{ ref('stg_served') }} as answers
    inner join {{ ref('stg_numbers') }} as numbers on numbers.number <= answers.bundles
)

select
    {{ said('bundle', 'bundle_id') }} as bundle_id,
    request_id,
    answer_id,
    served_at,
    user_key,
    visitor_key,
    route,
    release_id,
    served_by,
    experiment,
    cast((bundle ->> 'position') as integer) as position,
    {{ said('bundle', 'label') }} as label,
    cast((bundle ->> 'total_cents') as bigint) as total_cents,
    {{ said('bundle', 'currency') }} as bundle_currency,
    cast((bundle ->> 'score') as double precision) as score,
    {{ said('bundle', 'parent_bundle_id') }} as parent_bundle_id,
    {{ entries('bundle', 'items') }} as items,
    bundle
from listed
