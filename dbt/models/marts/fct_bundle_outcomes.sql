with shown as (
    select request_id, bundle_id, count(distinct source || '|' || event_id) as impressions
    from {{ ref('int_touches') }}
    where kind = 'impression'
    group by request_id, bundle_id
),

acted as (
    select
        request_id, bundle_id,
        sum(case when kind = 'click' then 1 else 0 end) as clicks,
        sum(case when kind = 'add_to_cart' then 1 else 0 end) as carts
    from {{ ref('stg_interaction_items') }}
    where request_id <> '' and not is_unserved and not is_machine
    group by request_id, bundle_id
),

bought as (
    select
        credited_request_id as request_id, credited_bundle_id as bundle_id,
        count(distinct product_id) as products_bought,
        count(distinct case when line_status <> 'returned' then product_id end) as products_kept,
        sum(revenue_cents - refunded_cents) as revenue_cents,
        case when count(margin_cents) = count(*) then sum(margin_cents) end as margin_cents
    from {{ ref('fct_orders') }}
    where credited_bundle_id is not null and not is_machine
    group by credited_request_id, credited_bundle_id
)

select
    bundles.bundle_id,
    bundles.request_id,
    bundles.served_at,
    {{ report_day('bundles.served_at') }} as served_on,
    bundles.route,
    bundles.experiment,
    bundles.position,
    bundles.label,
    bundles.total_cents,
    bundles.bundle_currency as currency,
    bundles.items,
    cast(coalesce(shown.impressions, 0) as bigint) as impressions,
    cast(coalesce(acted.clicks, 0) as bigint) as clicks,
    cast(coalesce(acted.carts, 0) as bigint) as carts,
    cast(coalesce(bought.products_bought, 0) as bigint) as products_bought,
    cast(coalesce(bought.revenue_cents, 0) as bigint) as revenue_cents,
    {{ share('coalesce(bought.products_bought, 0)', 'bundles.items') }} as attach_rate,
    cast(coalesce(bought.products_kept, 0) as bigint) as products_kept,
    case
        when bought.bundle_id is null then 'none'
        when bought.products_bought < bundles.items then 'part'
        else 'whole'
    end as bought_as,
    cast(case when bought.bundle_id is null then 0 else bought.margin_cents end as bigint) as margin_cents
from {{ ref('stg_served_bundles') }} as bundles
left join shown on shown.request_id = bundles.request_id and shown.bundle_id = bundles.bundle_id
left join acted on acted.request_id = bundles.request_id and acted.bundle_id = bundles.bundle_id
left join bought on bought.request_id = bundles.request_id and bought.bundle_id = bundles.bundle_id
