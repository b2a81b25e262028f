{# A field of a JSON object as text, '' where it is not said. #}
{% macro said(object, field) -%}
    coalesce(({{ object }} ->> '{{ field }}'), '')
{%- endmacro %}

{# How many entries the list has, 0 where there is none. #}
{% macro entries(object, field) -%}
    cast(coalesce(json_array_length({{ object }} -> '{{ field }}'), 0) as integer)
{%- endmacro %}

{# The report day of a UTC time. #}
{% macro report_day(moment) -%}
    {%- if var('time_zone') == 'UTC' -%}
        cast({{ moment }} as date)
    {%- else -%}
        cast(({{ moment }} at time zone 'UTC') at time zone '{{ var("time_zone") }}' as date)
    {%- endif -%}
{%- endmacro %}

{# So many hours before a time. #}
{% macro hours_before(moment, hours) -%}
    {{ moment }} - interval '{{ hours }} hours'
{%- endmacro %}

{# part / whole, 0 where there is no whole. #}
{% macro share(part, whole) -%}
    coalesce(cast({{ part }} as double precision) / nullif({{ whole }}, 0), 0)
{%- endmacro %}
