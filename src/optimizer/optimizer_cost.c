/*
 * optimizer_cost.c - what reading, finding, joining and sorting rows costs.
 *
 * The unit is a nanosecond of the machine where the constants were measured: rows of two to seven
 * columns, 10,000 to a million of them, hot, EXPLAIN ANALYZE's time of the operator over its rows
 * (README.md has the figures and how to take them again). Only ratios matter: everything is
 * compared with something else from this file.
 *
 * Random access slows down with the table, because more of it misses the caches; work that goes
 * through memory in order does not. That is what the factors are for. A row of a volume costs more
 * to scan than a hot one, but the tiers are not told apart: sealing a table must not turn its
 * plans over.
 *
 * Rejected: costs in rows of a scan. A narrow scan is four times cheaper per row than a wide one,
 * and everything that was compared with it was wrong by as much.
 */
#include "optimizer/optimizer_int.h"

static const double SCAN_START = 500, SCAN_ROW = 0.5, SCAN_COLUMN = 0.6;
static const double ROWID_ROW = 40, ROWID_COLUMN = 6;
static const double INDEX_SEEK = 250, INDEX_ROW = 110, INDEX_COLUMN = 12;
static const double HASH_BUILD = 10, HASH_PROBE = 6, GROUP_ROW = 8, LOOP_PAIR = 2;
static const double JOINED_ROW = 4;
static const double TOP_ROW = 12, SORT_ROW = 20, SORT_STEP = 6;
static const double IN_CACHE = 100000; /* rows */

static double cache_factor(double rows, double growth)
{
    return rows <= IN_CACHE ? 1 : 1 + growth * log2(rows / IN_CACHE);
}

double optimizer_cost_scan(double rows, uint32_t columns)
{
    return SCAN_START + rows * (SCAN_ROW + SCAN_COLUMN * columns);
}

double optimizer_cost_rowid(double table_rows, uint32_t columns)
{
    return (ROWID_ROW + ROWID_COLUMN * columns) * cache_factor(table_rows, 0.4);
}

double optimizer_cost_seek(double table_rows)
{
    return INDEX_SEEK * cache_factor(table_rows, 0.9);
}

double optimizer_cost_entry(double table_rows, uint32_t columns)
{
    return (INDEX_ROW + INDEX_COLUMN * columns) * cache_factor(table_rows, 0.9);
}

double optimizer_cost_build(double rows)
{
    return rows * HASH_BUILD * cache_factor(rows, 0.4);
}

double optimizer_cost_probe(double rows, double build_rows)
{
    return rows * HASH_PROBE * cache_factor(build_rows, 0.4);
}

double optimizer_cost_output(double rows)
{
    return rows * JOINED_ROW;
}

double optimizer_cost_group(double rows, double groups)
{
    return rows * GROUP_ROW * cache_factor(groups, 0.4);
}

double optimizer_cost_pairs(double pairs)
{
    return pairs * LOOP_PAIR;
}

double optimizer_cost_sort(double rows, bool top)
{
    return rows * (top ? TOP_ROW : SORT_ROW + SORT_STEP * log2(rows + 2));
}
