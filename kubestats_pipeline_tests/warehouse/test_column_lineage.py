"""Where columns come from: declared for tables, read from the SQL for marts, and always something that exists."""

import pytest

from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.orchestration.base.asset_specs import column_lineage, mart_schema
from kubestats_pipeline.warehouse.column_lineage import DECLARED, ColumnOrigin, LineageError, read_traced, trace_marts
from kubestats_pipeline.warehouse.marts import MARTS, Mart

COLUMNS = {table.name: table.column_names for table in TABLES.values()} | {
    mart.name: tuple(name for name, _ in mart.columns) for mart in MARTS
}


def mart(sql: str, *columns: str, name: str = "sample") -> Mart:
    return Mart(name, "one row per sample", tuple((column, "meaning") for column in columns), sql, ())


def traced(sql: str, *columns: str) -> dict[str, list[str]]:
    ((_, lineage),) = trace_marts([mart(sql, *columns)])
    return {column: [str(source) for source in sources] for column, sources in lineage.items()}


@pytest.fixture(scope="module")
def lineages():
    return dict(trace_marts())


def test_a_column_comes_from_all_that_its_expression_reads_through_joins_and_common_tables():
    sql = """
        WITH named AS (SELECT resource_id, repository_id, upper(name) AS title FROM resources WHERE status = 'ACTIVE')
        SELECT title, coalesce(owner, host) AS who, count(DISTINCT named.resource_id) FILTER (WHERE is_fork) AS number
        FROM named JOIN repositories USING (repository_id) GROUP BY ALL"""
    assert traced(sql, "title", "who", "number") == {
        "title": ["resources.name"],
        "who": ["repositories.host", "repositories.owner"],
        "number": ["repositories.is_fork", "resources.resource_id"],
    }


def test_both_sides_of_a_union_are_sources():
    sql = "SELECT commit_sha AS place FROM resource_events UNION ALL SELECT file_path FROM scan_problems"
    assert traced(sql, "place") == {"place": ["resource_events.commit_sha", "scan_problems.file_path"]}


def test_constants_and_bare_counts_come_from_no_column():
    assert traced("SELECT 1 AS one, count(*) AS rows FROM resources", "one", "rows") == {}


def test_a_mart_that_reads_another_one_stops_there():
    chained = [
        mart("SELECT kind AS sort FROM resources", "sort", name="first"),
        mart("SELECT sort FROM first", "sort", name="second"),
    ]
    assert dict(trace_marts(chained))["second"] == {"sort": (ColumnOrigin("first", "sort"),)}


def test_sql_that_cannot_be_traced_is_named():
    with pytest.raises(LineageError, match="the columns of sample cannot be traced"):
        dict(trace_marts([mart("SELECT FROM WHERE", "a")]))


def test_the_package_brings_the_lineage_of_its_marts_as_they_are(lineages):
    assert read_traced() == lineages, "run `make generate`"


@pytest.mark.parametrize("name", [each.name for each in MARTS])
def test_every_mart_is_traced_to_columns_that_exist(lineages, name):
    lineage = lineages[name]
    assert set(lineage) <= set(COLUMNS[name])
    for source in (source for sources in lineage.values() for source in sources):
        assert source.column in COLUMNS[source.relation], source
    (found,) = (each for each in MARTS if each.name == name)
    assert bool(lineage) == bool(found.depends_on), "a mart that comes from nothing, unless it is kept by hand"
    assert {source.relation for sources in lineage.values() for source in sources} <= set(found.depends_on)


def test_what_is_declared_of_tables_exists():
    for name, lineage in DECLARED.items():
        assert set(lineage) <= set(COLUMNS[name])
        for source in (source for sources in lineage.values() for source in sources):
            assert source.column in COLUMNS[source.relation], f"{name}: {source}"
    assert set(DECLARED) == set(TABLES) - {"repositories"}, "which has no table before it"


def test_dagster_is_told_of_assets_and_their_columns():
    told = column_lineage({"place": (ColumnOrigin("scan_problems", "file_path"),)})
    (dependency,) = told.deps_by_column["place"]
    assert (dependency.asset_key.to_user_string(), dependency.column_name) == ("scan_problems", "file_path")


def test_a_columns_description_names_its_first_sources():
    names = ("kind", "name", "status", "version", "context", "data")
    sources = tuple(ColumnOrigin("resources", name) for name in names)
    (column, bare) = mart_schema([("a", "VARCHAR", "what"), ("b", "BIGINT", "rows")], {"a": sources}).columns
    assert column.description == (
        "what ← `resources.kind`, `resources.name`, `resources.status`, `resources.version`, 2 more"
    )
    assert bare.description == "rows"
