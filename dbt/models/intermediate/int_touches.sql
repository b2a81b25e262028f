-- What may be credited: clicks and impressions of products in an answer of ours, by people.
with of_items as (
    select kind, source, event_id, occurred_at, user_key, visitor_key, request_id, bundle_id, product_id
    from {{ ref('stg_interaction_items') }}
    where kind in ('click', 'impression') and request_id <> '' and not is_unserved and not is_machine
),

-- An impression of a bundle is one of each of its products.
of_bundles as (
    select
        'impression' as kind, events.source, events.event_id, events.occurred_at, events.user_key, events.visitor_key,
        events.request_id, events.bundle_id, shown.product_id
    from {{ ref('fct_impressions') }} as events
    inner join {{ ref('stg_served_items') }} as shown
        on shown.request_id = events.request_id and shown.bundle_id = events.bundle_id
    where events.items = 0 and events.bundle_id <> '' and not events.is_unserved and not events.is_machine
)

select * from of_items
union all
select * from of_bundles
