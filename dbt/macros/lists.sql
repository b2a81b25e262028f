{# The entries of a JSON list of `object`, each a row of `listed`: `item`, and `item_number` from 1 on. #}
{% macro listed(object, field) -%}
    {{ return(adapter.dispatch('listed')(object, field)) }}
{%- endmacro %}

{% macro default__listed(object, field) -%}
    cross join lateral json_array_elements({{ object }} -> '{{ field }}') with ordinality as listed(item, item_number)
{%- endmacro %}

{% macro duckdb__listed(object, field) -%}
    cross join lateral (
        select
            unnest(json_extract({{ object }}, '$.{{ field }}[*]')) as item,
            unnest(range(1, len(json_extract({{ object }}, '$.{{ field }}[*]')) + 1)) as item_number
    ) as listed
{%- endmacro %}
