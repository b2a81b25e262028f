with of_bundles as (
    select
        bundles.answer_id,
        bundles.request_id,
        bundles.bundle_id,
        bundles.served_at,
        bundles.bundle_currency as currency,
        listed.item
    from {{ ref('stg_served_bundles') }} as bundles
    {{ listed('bundles.bundle', 'items') }}
),

of_lists as (
    select
        answers.answer_id,
        answers.request_id,
        '' as bundle_id,
        answers.served_at,
        answers.currency,
        listed.item
    from {{ ref('stg_served') }} as answers
    {{ listed('answers.data', 'products') }}
),

both_kinds as (
    select * from of_bundles
    union all
    select * from of_lists
)

select
    answer_id,
    request_id,
    bundle_id,
    served_at,
    currency,
    {{ said('item', 'product_id') }} as product_id,
    {{ said('item', 'slot') }} as slot,
    cast((item ->> 'position') as integer) as position,
    coalesce(cast((item ->> 'quantity') as integer), 1) as quantity,
    cast((item ->> 'price_cents') as bigint) as price_cents,
    cast((item ->> 'score') as double precision) as score,
    coalesce(cast((item ->> 'propensity') as double precision), 1) as propensity
from both_kinds
