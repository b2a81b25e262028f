{{ config(materialized='table') }}

with recursive numbers(number) as (
    select 1
    union all
    select number + 1 from numbers where number < 1000
)

select number from numbers
