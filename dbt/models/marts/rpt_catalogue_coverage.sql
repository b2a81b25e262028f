with days as (
    select
        {{ report_day('shown.served_at') }} as served_on,
        count(distinct shown.product_id) as products_served,
        count(distinct case when products.is_in_feed then shown.product_id end) as feed_products_served
    from {{ ref('stg_served_items') }} as shown
    left join {{ ref('stg_products') }} as products on products.product_id = shown.product_id
    group by {{ report_day('shown.served_at') }}
),

known as (
    select count(*) as products from {{ ref('dim_products') }}
),

feed as (
    select count(*) as products from {{ ref('stg_products') }} where is_in_feed
)

select
    days.served_on,
    cast(days.products_served as bigint) as products_served,
    cast(known.products as bigint) as products_known,
    {{ share('days.products_served', 'known.products') }} as served_share,
    cast(feed.products as bigint) as products_in_feed,
    {{ share('days.feed_products_served', 'feed.products') }} as feed_share
from days
cross join known
cross join feed
