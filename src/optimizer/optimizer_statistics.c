/*
 * optimizer_statistics.c - the storage layer's statistics as the optimizer asks for them.
 *
 * Behind two callbacks, so that tests can say how large tables are without filling any.
 */
#include "optimizer/optimizer.h"

static double row_count(void *context, const catalog_table *table)
{
    return table->relation ? (double)table_row_count(table->relation) : 0;
}

static void column(void *context, const catalog_table *table, uint32_t column_id,
                   table_column_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    if (table->relation && column_id != TABLE_ROWID)
        table_column_statistics_of(table->relation, column_id, statistics);
}

void optimizer_options_default(optimizer_options *options)
{
    *options = (optimizer_options){
        .rules = true,
        .join_filters = true,
        .statistics = {row_count, column, NULL},
    };
}
