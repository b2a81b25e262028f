select
    order_id,
    line_number,
    ordered_at,
    user_key,
    product_id,
    quantity,
    price_cents,
    currency
from {{ source('raw', 'orders') }}
