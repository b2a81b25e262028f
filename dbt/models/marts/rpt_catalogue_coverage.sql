with days as (
    select
        {{ report_day('served_at') }} as served_on,
        count(distinct product_id) as products_served
    from {{ ref('stg_served_items') }}
    group by {{ report_day('served_at') }}
),

known as (
    select count(*) as products from {{ ref('dim_products') }}
)

select
    days.served_on,
    cast(days.products_served as bigint) as products_served,
    cast(known.products as bigint) as products_known,
    {{ share('days.products_served', 'known.products') }} as served_share
from days
cross join known
