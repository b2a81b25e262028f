"""Where is the dbt project: beside the packages in a checkout, or inside this one in a wheel?"""

from pathlib import Path

_HERE = Path(__file__).parent
# In a wheel a folder `dbt` beside the packages would be dbt's own package.
DBT_PROJECT = next(
    (folder for folder in (_HERE / "dbt_project", _HERE.parent / "dbt") if (folder / "dbt_project.yml").is_file()),
    _HERE.parent / "dbt",
)
