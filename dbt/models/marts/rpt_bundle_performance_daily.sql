select
    served_on,
    route,
    experiment,
    currency,
    cast(count(*) as bigint) as bundles,
    cast(sum(case when impressions > 0 then 1 else 0 end) as bigint) as bundles_shown,
    cast(sum(case when clicks > 0 then 1 else 0 end) as bigint) as bundles_clicked,
    cast(sum(case when carts > 0 then 1 else 0 end) as bigint) as bundles_carted,
    cast(sum(case when products_bought > 0 then 1 else 0 end) as bigint) as bundles_bought,
    cast(sum(revenue_cents) as bigint) as revenue_cents,
    {{ share('sum(case when clicks > 0 then 1 else 0 end)', 'sum(case when impressions > 0 then 1 else 0 end)') }}
        as click_share,
    avg(attach_rate) as attach_rate,
    cast(sum(case when bought_as = 'whole' then 1 else 0 end) as bigint) as bundles_bought_whole,
    cast(case when count(margin_cents) = count(*) then sum(margin_cents) end as bigint) as margin_cents
from {{ ref('fct_bundle_outcomes') }}
group by served_on, route, experiment, currency
