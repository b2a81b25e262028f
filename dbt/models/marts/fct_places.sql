-- Places of answers whose order was drawn; swaps and answers that could have one order only are not among them.
with bundles as (
    select
        shown.answer_id, shown.request_id, shown.served_at, shown.route, shown.release_id, 'bundle' as kind,
        shown.bundle_id as thing_id, shown.position, shown.place_by_score, shown.places, shown.explore_share,
        shown.propensity, outcomes.clicks, outcomes.products_bought
    from {{ ref('stg_served_bundles') }} as shown
    inner join {{ ref('fct_bundle_outcomes') }} as outcomes
        on outcomes.bundle_id = shown.bundle_id and outcomes.request_id = shown.request_id
    where shown.explore_share > 0
),

clicked as (
    select request_id, product_id, count(*) as clicks
    from {{ ref('stg_interaction_items') }}
    where kind = 'click' and request_id <> '' and bundle_id = '' and not is_unserved and not is_machine
    group by request_id, product_id
),

bought as (
    select credited_request_id as request_id, product_id, count(*) as lines
    from {{ ref('fct_orders') }}
    where credited_request_id is not null and coalesce(credited_bundle_id, '') = '' and not is_machine
    group by credited_request_id, product_id
),

products as (
    select
        shown.answer_id, shown.request_id, shown.served_at, shown.route, shown.release_id, 'product' as kind,
        shown.product_id as thing_id, shown.position, shown.place_by_score, shown.places, shown.explore_share,
        shown.propensity, coalesce(clicked.clicks, 0) as clicks,
        case when bought.lines is null then 0 else 1 end as products_bought
    from {{ ref('stg_served_items') }} as shown
    left join clicked on clicked.request_id = shown.request_id and clicked.product_id = shown.product_id
    left join bought on bought.request_id = shown.request_id and bought.product_id = shown.product_id
    where shown.explore_share > 0 and shown.bundle_id = ''
),

both_kinds as (
    select * from bundles
    union all
    select * from products
)

select
    answer_id,
    request_id,
    served_at,
    {{ report_day('served_at') }} as served_on,
    route,
    release_id,
    kind,
    thing_id,
    position,
    place_by_score,
    places,
    explore_share,
    propensity,
    cast(clicks as bigint) as clicks,
    cast(products_bought as bigint) as products_bought
from both_kinds
