{{ config(
    materialized='incremental', unique_key='answer_id',
    post_hook=["{{ forget('served', {'id': 'answer_id'}) }}", "{{ measured() }}"]
) }}
with answers as (
    select answer_id, request_id, served_at, loaded_at, currency, route, release_id, explore_share, products, data
    from {{ ref('stg_served') }}
    {{ since_last_run('where') }}
),

bundles as (
    select
        answers.answer_id,
        answers.request_id,
        answers.served_at,
        answers.loaded_at,
        answers.route,
        answers.release_id,
        answers.explore_share,
        listed.item as bundle
    from answers
    {{ listed('answers.data', 'bundles') }}
),

of_bundles as (
    select
        bundles.answer_id,
        bundles.request_id,
        {{ said('bundles.bundle', 'bundle_id') }} as bundle_id,
        bundles.served_at,
        bundles.loaded_at,
        {{ said('bundles.bundle', 'currency') }} as currency,
        bundles.route,
        bundles.release_id,
        bundles.explore_share,
        0 as places,
        listed.item
    from bundles
    {{ listed('bundles.bundle', 'items') }}
),

of_lists as (
    select
        answers.answer_id,
        answers.request_id,
        '' as bundle_id,
        answers.served_at,
        answers.loaded_at,
        answers.currency,
        answers.route,
        answers.release_id,
        answers.explore_share,
        answers.products as places,
        listed.item
    from answers
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
    loaded_at,
    currency,
    {{ said('item', 'product_id') }} as product_id,
    {{ said('item', 'slot') }} as slot,
    cast((item ->> 'position') as integer) as position,
    coalesce(cast((item ->> 'quantity') as integer), 1) as quantity,
    cast((item ->> 'price_cents') as bigint) as price_cents,
    cast((item ->> 'score') as double precision) as score,
    coalesce(cast((item ->> 'propensity') as double precision), 1) as propensity,
    coalesce(cast((item ->> 'rank') as integer), cast((item ->> 'position') as integer)) as place_by_score,
    route,
    release_id,
    explore_share,
    places
from both_kinds
