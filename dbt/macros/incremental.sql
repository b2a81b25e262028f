{# What came into the warehouse since the last run, and a while before it: a transaction may end after its time. #}
{% macro since_last_run(word) -%}
    {%- if execute and is_incremental() and 'loaded_at' in (adapter.get_columns_in_relation(this) | map(attribute='name') | list) -%}
        {%- set found = run_query(
            "select cast(max(loaded_at) - interval '" ~ var('overlap_minutes') ~ " minutes' as text) from " ~ this
        ).columns[0][0] -%}
        {%- if found %}{{ word }} loaded_at > timestamp '{{ found }}'{% endif -%}
    {%- endif -%}
{%- endmacro %}

{# Rows whose event is no longer in its raw table go: people are forgotten. `keys` = {raw column: own column}. #}
{% macro forget(table, keys) -%}
    delete from {{ this }} where not exists (
        select 1 from {{ source('raw', table) }} as kept
        where {% for raw, own in keys.items() %}{{ 'and ' if not loop.first }}kept.{{ raw }} = {{ this.identifier }}.{{ own }} {% endfor %}
    )
{%- endmacro %}

{# PostgreSQL plans joins of a table that was made a moment ago by guesses, and has taken minutes for a second's work. #}
{% macro measured() -%}
    {%- if target.type == 'postgres' -%}analyze {{ this }}{%- endif -%}
{%- endmacro %}
