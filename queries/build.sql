-- Builds the catalog of a lake with the DuckDB shell (1.5 or later) alone, in the database that is open. From the folder
-- that holds queries/, with the lake's path in the variable `lake`:
--
--     duckdb catalog.duckdb -c "SET VARIABLE lake = 'data/lake'" -c ".read queries/build.sql" -c "FROM correlations"
--
-- Each file under macros/, tables/, seeds/ and views/ becomes the object that it is named after, with its first comment
-- as the object's. The order of the views is derived: DuckDB's parser tells what each reads. The statements pass through
-- the file queries-build.tmp.sql in the working folder, which is removed again.
.bail on
SET VARIABLE lake = coalesce(getvariable('lake'), error('name the lake first: SET VARIABLE lake = ''data/lake'';'));
COPY (
WITH RECURSIVE files AS (
    SELECT
        parse_filename(filename, TRUE) AS name,
        parse_path(filename)[2] AS kind,
        content,
        regexp_replace(regexp_extract(content, '^(--[^\n]*\n)+'), '-- (Stored|Held): .*\n', '', 'g') AS head
    FROM read_text(['queries/macros/*.sql', 'queries/tables/*.sql', 'queries/seeds/*.sql', 'queries/views/*/*.sql'])
),

parsed AS (
    SELECT
        name,
        json_serialize_sql(content) AS tree
    FROM files
    WHERE kind = 'views'
),

read_by AS (
    SELECT
        name,
        unnest(tree ->> '$..table_name') AS input
    FROM parsed
    EXCEPT
    SELECT
        name,
        unnest(tree ->> '$..cte_map.map[*].key') AS input
    FROM parsed
),

-- one row per length of a path through what a view reads: the longest says when its turn comes
paths AS (
    SELECT
        name,
        0 AS steps
    FROM parsed
    UNION
    SELECT
        read_by.name,
        paths.steps + 1 AS steps
    FROM paths
    INNER JOIN read_by ON paths.name = read_by.input
),

turns AS (
    SELECT
        name,
        max(steps) AS turn
    FROM paths
    GROUP BY name
),

lake AS (
    SELECT
        CASE
            WHEN starts_with(getvariable('lake'), '/') THEN getvariable('lake')
            ELSE getenv('PWD') || '/' || getvariable('lake')
        END AS path
),

statements AS (
    SELECT
        files.name,
        list_position(['macros', 'tables', 'seeds', 'views'], files.kind) AS stage,
        coalesce(turns.turn, 0) AS turn,
        CASE files.kind
            WHEN 'macros' THEN files.content
            WHEN 'tables'
                THEN
                    format(
                        'CREATE OR REPLACE VIEW {} AS {};',
                        files.name,
                        replace(
                            files.content,
                            'getvariable(''lake'')',
                            -- a literal, in which what DuckDB would take for a wildcard is escaped
                            '''' || replace(regexp_replace(lake.path, '([*?\[])', '[\1]', 'g'), '''', '''''') || ''''
                        )
                    )
            WHEN 'seeds' THEN format('CREATE OR REPLACE TABLE {} AS {};', files.name, files.content)
            WHEN 'views' THEN format('CREATE OR REPLACE VIEW {} AS {};', files.name, files.content)
        END AS statement,
        format(
            'COMMENT ON {} {} IS ''{}'';',
            CASE files.kind WHEN 'macros' THEN 'MACRO' WHEN 'seeds' THEN 'TABLE' ELSE 'VIEW' END,
            files.name,
            replace(trim(regexp_replace(files.head, '(^|\n)--', '', 'g'), chr(10) || ' '), '''', '''''')
        ) AS comment
    FROM files
    CROSS JOIN lake
    LEFT JOIN turns ON files.name = turns.name
)

SELECT encode(string_agg(concat_ws(chr(10), statement, comment), chr(10) ORDER BY stage, turn, name))
FROM statements
) TO 'queries-build.tmp.sql' (FORMAT blob);
.read queries-build.tmp.sql
.shell rm queries-build.tmp.sql
