with answers as (
    select
        experiment,
        count(*) as answers,
        count(distinct coalesce(nullif(user_key, ''), nullif(visitor_key, ''), request_id)) as units,
        count(distinct coalesce(nullif(visitor_key, ''), nullif(user_key, ''), request_id)) as visitor_units
    from {{ ref('fct_served') }}
    group by experiment
),

outcomes as (
    select
        experiment,
        currency,
        count(*) as bundles,
        sum(case when impressions > 0 then 1 else 0 end) as bundles_shown,
        sum(case when clicks > 0 then 1 else 0 end) as bundles_clicked,
        sum(case when products_bought > 0 then 1 else 0 end) as bundles_bought,
        sum(revenue_cents) as revenue_cents
    from {{ ref('fct_bundle_outcomes') }}
    group by experiment, currency
)

select
    answers.experiment,
    coalesce(outcomes.currency, '') as currency,
    cast(answers.units as bigint) as units,
    cast(answers.visitor_units as bigint) as visitor_units,
    cast(answers.answers as bigint) as answers,
    cast(coalesce(outcomes.bundles, 0) as bigint) as bundles,
    cast(coalesce(outcomes.bundles_shown, 0) as bigint) as bundles_shown,
    cast(coalesce(outcomes.bundles_clicked, 0) as bigint) as bundles_clicked,
    cast(coalesce(outcomes.bundles_bought, 0) as bigint) as bundles_bought,
    cast(coalesce(outcomes.revenue_cents, 0) as bigint) as revenue_cents
from answers
left join outcomes on outcomes.experiment = answers.experiment
