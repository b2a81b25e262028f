with seen as (
    select user_key, visitor_key, served_at as seen_at, 1 as answers, 0 as events from {{ ref('fct_served') }}
    union all
    select user_key, visitor_key, occurred_at as seen_at, 0 as answers, 1 as events from {{ ref('fct_impressions') }}
    union all
    select user_key, visitor_key, occurred_at as seen_at, 0 as answers, 1 as events
    from {{ ref('fct_interactions') }}
    where item_number <= 1
    union all
    select user_key, '' as visitor_key, ordered_at as seen_at, 0 as answers, 0 as events from {{ ref('stg_orders') }}
),

people as (
    select
        coalesce(nullif(user_key, ''), visitor_key) as person_key,
        case when user_key <> '' then 'user' else 'visitor' end as known_as,
        seen_at, answers, events
    from seen
    where user_key <> '' or visitor_key <> ''
),

orders as (
    select
        coalesce(nullif(user_key, ''), visitor_key) as person_key,
        count(distinct order_id) as orders
    from {{ ref('fct_orders') }}
    where (user_key <> '' or visitor_key <> '') and quantity > 0
    group by coalesce(nullif(user_key, ''), visitor_key)
)

select
    people.person_key,
    people.known_as,
    min(people.seen_at) as first_seen_at,
    max(people.seen_at) as last_seen_at,
    cast(sum(people.answers) as bigint) as answers,
    cast(sum(people.events) as bigint) as events,
    cast(coalesce(max(orders.orders), 0) as bigint) as orders
from people
left join orders on orders.person_key = people.person_key
group by people.person_key, people.known_as
