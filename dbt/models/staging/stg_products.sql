select
    product_id,
    title,
    brand,
    category,
    price_cents,
    currency,
    cost_cents,
    is_in_feed
from {{ source('raw', 'products') }}
