select
    answer_id,
    request_id,
    bundle_id,
    served_at,
    product_id,
    slot,
    position,
    quantity,
    price_cents,
    currency,
    score,
    propensity
from {{ ref('stg_served_items') }}
