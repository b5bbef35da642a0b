/*
 * plan_print.c - EXPLAIN: plans as trees of lines.
 *
 * One line per operator: its kind in capitals, what it works on, its estimate in brackets;
 * inputs below it behind box-drawing branches. Logical trees print in the same manner, for
 * tests and for whoever debugs a rule. Rejected: JSON here; it can be made from the same
 * walk when a tool needs it.
 *
 * Invariants: a line is complete when the walk leaves the operator, so `annotate` is called
 * exactly once per operator; the buffer's `failed` tells whether the text is whole.
 */
#include "plan/plan_int.h"

enum {
    PREFIX_SIZE = 1024
};

/* What stands before a line: the branches of the operators above it. */
typedef struct tree_prefix {
    char text[PREFIX_SIZE];
    size_t length;
} tree_prefix;

static void prefix_push(tree_prefix *prefix, const char *piece)
{
    size_t length = strlen(piece);
    if (prefix->length + length < sizeof prefix->text) {
        memcpy(prefix->text + prefix->length, piece, length);
        prefix->length += length;
    }
}

static void begin_line(tree_prefix *prefix, bool root, bool last, base_buffer *out)
{
    base_buffer_append(out, prefix->text, prefix->length);
    if (!root)
        base_buffer_append_text(out, last ? "└─ " : "├─ ");
}

static void end_line(double rows, base_buffer *out)
{
    if (rows >= 0)
        base_buffer_append_format(out, "  (~%.0f row%s)", rows,
                                  rows >= 0.5 && rows < 1.5 ? "" : "s");
}

static void print_text(base_text text, base_buffer *out)
{
    base_buffer_append(out, text.data, text.length);
}

static void print_exprs(plan_expr *const *exprs, uint32_t count, const plan_names *names,
                        base_buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            base_buffer_append_text(out, ", ");
        plan_print_named(exprs[i], names, out);
    }
}

static void print_keys(const char *word, const plan_sort_key *keys, uint32_t count,
                       const plan_names *names, base_buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        base_buffer_append_text(out, i ? ", " : word);
        plan_print_sort_key(&keys[i], names, out);
    }
}

static void print_condition(const char *word, const plan_expr *condition, const plan_names *names,
                            base_buffer *out)
{
    if (!condition)
        return;
    base_buffer_append_text(out, word);
    plan_print_named(condition, names, out);
}

static void print_limit(const plan_expr *limit, const plan_expr *offset, const plan_names *names,
                        base_buffer *out)
{
    print_condition(" LIMIT ", limit, names, out);
    print_condition(" OFFSET ", offset, names, out);
}

const char *plan_join_name(plan_join_kind kind)
{
    static const char *const names[] = {"INNER", "LEFT", "FULL", "SEMI", "ANTI", "MARK", "SINGLE"};
    BASE_ASSERT((size_t)kind < BASE_COUNT_OF(names));
    return names[kind];
}

static const char *set_name(plan_set_kind kind)
{
    static const char *const names[] = {"UNION", "INTERSECT", "EXCEPT"};
    return names[kind];
}

static void print_conflict(plan_conflict_action conflict, base_buffer *out)
{
    static const char *const texts[] = {"", " OR IGNORE", " OR REPLACE", " ON CONFLICT DO NOTHING"};
    base_buffer_append_text(out, texts[conflict]);
}

/* ---- Operators --------------------------------------------------------------------------- */

static void print_access(const plan_access *access, const plan_names *names, base_buffer *out)
{
    print_text(access->table->name, out);
    base_buffer_append_text(out, " [");
    for (uint32_t i = 0; i < access->column_count; i++) {
        if (i)
            base_buffer_append_text(out, ", ");
        plan_print_table_column(access->table, access->columns[i], out);
    }
    base_buffer_append_byte(out, ']');
    if (access->descending)
        base_buffer_append_text(out, " backwards");
    plan_names own = {.access = access, .depth = names->depth};
    print_condition(" WHERE ", access->filter, &own, out);
}

static const catalog_index *find_index(const catalog_table *table, uint64_t id)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i]->id == id)
            return table->indexes[i];
    return NULL;
}

/* One part of an index with what it is compared to: "a = 1". */
static void print_part(const catalog_table *table, const catalog_index *index, uint32_t part,
                       const char *comparison, const plan_expr *value, const plan_names *names,
                       bool *first, base_buffer *out)
{
    base_buffer_append_text(out, *first ? "" : " AND ");
    *first = false;
    if (!index)
        base_buffer_append_text(out, "rowid");
    else if (part < index->part_count)
        plan_print_table_column(table, index->parts[part].column, out);
    base_buffer_append_format(out, " %s ", comparison);
    plan_print_named(value, names, out);
}

static void print_range(const catalog_table *table, const catalog_index *index,
                        const plan_key_range *range, const plan_names *names, base_buffer *out)
{
    bool first = true;
    for (uint32_t i = 0; i < range->equal_count; i++)
        print_part(table, index, i, "=", range->equal[i], names, &first, out);
    if (range->low)
        print_part(table, index, range->equal_count, range->low_inclusive ? ">=" : ">", range->low,
                   names, &first, out);
    if (range->high)
        print_part(table, index, range->equal_count, range->high_inclusive ? "<=" : "<",
                   range->high, names, &first, out);
    if (first)
        base_buffer_append_text(out, "all");
}

static void print_index_scan(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    const catalog_table *table = op->index_scan.access.table;
    const catalog_index *index = find_index(table, op->index_scan.index_id);
    base_buffer_append_text(out, "INDEX SCAN ");
    if (index)
        print_text(index->name, out);
    base_buffer_append_text(out, op->index_scan.distinct_parts ? " (distinct " : " (");
    for (uint32_t i = 0; i < op->index_scan.range_count; i++) {
        if (i)
            base_buffer_append_text(out, " OR ");
        print_range(table, index, &op->index_scan.ranges[i], names, out);
    }
    base_buffer_append_text(out, ") on ");
    print_access(&op->index_scan.access, names, out);
}

static void print_hash_join(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    bool hash = op->kind == PLAN_OP_HASH_JOIN;
    base_buffer_append_format(out, "%s %s", hash ? "HASH JOIN" : "NESTED LOOP",
                              plan_join_name(op->join.kind));
    if (op->join.build_is_left)
        base_buffer_append_text(out, " (left side built)");
    plan_names left = {.left = op->inputs[0], .depth = names->depth};
    plan_names right = {.left = op->inputs[1], .depth = names->depth};
    for (uint32_t i = 0; i < op->join.key_count; i++) {
        base_buffer_append_text(out, i ? " AND " : " ON ");
        plan_print_named(op->join.left_keys[i], &left, out);
        bool null_equal = op->join.null_equal && op->join.null_equal[i];
        base_buffer_append_text(out, null_equal ? " IS NOT DISTINCT FROM " : " = ");
        plan_print_named(op->join.right_keys[i], &right, out);
    }
    print_condition(op->join.key_count ? " AND " : " ON ", op->join.residual, names, out);
}

static void print_index_join(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    const plan_access *access = &op->index_join.access;
    const catalog_index *index = find_index(access->table, op->index_join.index_id);
    base_buffer_append_format(out, "INDEX JOIN %s ", plan_join_name(op->index_join.kind));
    if (index)
        print_text(index->name, out);
    bool first = true;
    base_buffer_append_text(out, index ? " (" : "(");
    for (uint32_t i = 0; i < op->index_join.key_count; i++)
        print_part(access->table, index, i, "=", op->index_join.keys[i], names, &first, out);
    base_buffer_append_text(out, ") on ");
    print_access(access, names, out);
    plan_names both = *names;
    both.right = NULL;
    both.access = access;
    print_condition(" AND ", op->index_join.residual, &both, out);
}

/* By how many of the keys just named the input comes ordered. */
static void print_presorted(uint32_t count, base_buffer *out)
{
    if (count)
        base_buffer_append_format(out, " PRESORTED %u", count);
}

static void print_aggregates(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, op->kind == PLAN_OP_HASH_AGGREGATE ? "HASH AGGREGATE"
                                                                    : "ORDERED AGGREGATE");
    if (op->aggregate.key_count)
        base_buffer_append_text(out, " BY ");
    print_exprs(op->aggregate.keys, op->aggregate.key_count, names, out);
    print_presorted(op->aggregate.presorted, out);
    for (uint32_t i = 0; i < op->aggregate.aggregate_count; i++) {
        base_buffer_append_text(out, i ? ", " : ": ");
        plan_print_aggregate(&op->aggregate.aggregates[i], names, out);
    }
}

static void print_windows(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, "WINDOW");
    if (op->window.partition_count)
        base_buffer_append_text(out, " PARTITION BY ");
    print_exprs(op->window.partition, op->window.partition_count, names, out);
    print_presorted(op->window.presorted, out);
    print_keys(" ORDER BY ", op->window.order, op->window.order_count, names, out);
    for (uint32_t i = 0; i < op->window.window_count; i++) {
        base_buffer_append_text(out, i ? ", " : ": ");
        plan_print_window(&op->window.windows[i], names, out);
    }
}

static void print_change(const plan_operator *op, base_buffer *out)
{
    const char *word = op->kind == PLAN_OP_INSERT   ? "INSERT"
                       : op->kind == PLAN_OP_UPDATE ? "UPDATE"
                                                    : "DELETE";
    const catalog_table *table = op->change.table;
    base_buffer_append_text(out, word);
    print_conflict(op->change.conflict, out);
    base_buffer_append_text(out, op->kind == PLAN_OP_INSERT   ? " INTO "
                                 : op->kind == PLAN_OP_DELETE ? " FROM "
                                                              : " ");
    print_text(table->name, out);
    for (uint32_t i = 0; i < op->change.set_count; i++) {
        base_buffer_append_text(out, i ? ", " : " SET ");
        plan_print_table_column(table, op->change.set_columns[i], out);
    }
    plan_names row = {.row = table};
    for (uint32_t i = 0; i < op->change.check_count; i++)
        print_condition(i ? " AND " : " CHECK ", op->change.checks[i].condition, &row, out);
    if (op->change.returning_count) {
        base_buffer_append_text(out, " RETURNING ");
        print_exprs(op->change.returning, op->change.returning_count, &row, out);
    }
}

static void print_rowid_lookup(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, "ROWID LOOKUP ");
    if (op->rowid_lookup.rowid_count) {
        base_buffer_append_text(out, "(rowid IN (");
        print_exprs(op->rowid_lookup.rowids, op->rowid_lookup.rowid_count, names, out);
        base_buffer_append_text(out, ")) ");
    }
    base_buffer_append_text(out, "on ");
    print_access(&op->rowid_lookup.access, names, out);
}

static void print_system(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    base_buffer_append_format(out, "SYSTEM SCAN %s", op->system.source->name);
    if (!op->system.argument_count)
        return;
    base_buffer_append_byte(out, '(');
    print_exprs(op->system.arguments, op->system.argument_count, names, out);
    base_buffer_append_byte(out, ')');
}

/* Operators that only pass on, order, cut or combine rows. */
static void print_shaping_line(const plan_operator *op, const plan_names *names, base_buffer *out)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_FILTER:
        print_condition("FILTER ", op->filter.condition, names, out);
        break;
    case PLAN_OP_PROJECT:
        base_buffer_append_text(out, "PROJECT ");
        print_exprs(op->project.exprs, op->column_count, names, out);
        break;
    case PLAN_OP_SORT:
        base_buffer_append_text(out, op->sort.limit ? "TOP" : "SORT");
        print_keys(" BY ", op->sort.keys, op->sort.key_count, names, out);
        print_presorted(op->sort.presorted, out);
        print_limit(op->sort.limit, op->sort.offset, names, out);
        break;
    case PLAN_OP_LIMIT:
        base_buffer_append_text(out, "CUT");
        print_limit(op->limit.limit, op->limit.offset, names, out);
        break;
    case PLAN_OP_DISTINCT_ON:
        base_buffer_append_text(out, "DISTINCT ON ");
        print_exprs(op->distinct_on.keys, op->distinct_on.key_count, names, out);
        break;
    case PLAN_OP_UNION_ALL:
        base_buffer_append_text(out, "UNION ALL");
        break;
    case PLAN_OP_SET_OPERATION:
        base_buffer_append_format(out, "%s%s", set_name(op->set.kind), op->set.all ? " ALL" : "");
        break;
    case PLAN_OP_CTE:
        base_buffer_append_format(out, "CTE %u", op->cte.cte);
        break;
    case PLAN_OP_RECURSIVE_CTE:
        base_buffer_append_format(out, "RECURSIVE CTE %u", op->cte.cte);
        break;
    case PLAN_OP_CTE_SCAN:
        base_buffer_append_format(out, "CTE SCAN %u", op->cte.cte);
        break;
    default:
        base_buffer_append_format(out, "OPERATOR %u", op->kind);
        break;
    }
}

static void print_line(const plan_operator *op, base_buffer *out)
{
    plan_names names = {.left = op->inputs[0], .right = op->inputs[1]};
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_TABLE_SCAN:
        base_buffer_append_text(out, "SCAN ");
        print_access(&op->scan, &names, out);
        break;
    case PLAN_OP_ROWID_LOOKUP:
        print_rowid_lookup(op, &names, out);
        break;
    case PLAN_OP_INDEX_SCAN:
        print_index_scan(op, &names, out);
        break;
    case PLAN_OP_VALUES:
        base_buffer_append_format(out, "VALUES %u row%s", op->values.row_count,
                                  op->values.row_count == 1 ? "" : "s");
        break;
    case PLAN_OP_SYSTEM_SCAN:
        print_system(op, &names, out);
        break;
    case PLAN_OP_HASH_JOIN:
    case PLAN_OP_NESTED_LOOP:
        print_hash_join(op, &names, out);
        break;
    case PLAN_OP_INDEX_JOIN:
        print_index_join(op, &names, out);
        break;
    case PLAN_OP_HASH_AGGREGATE:
    case PLAN_OP_ORDERED_AGGREGATE:
        print_aggregates(op, &names, out);
        break;
    case PLAN_OP_WINDOW:
        print_windows(op, &names, out);
        break;
    case PLAN_OP_INSERT:
    case PLAN_OP_UPDATE:
    case PLAN_OP_DELETE:
        print_change(op, out);
        break;
    default:
        print_shaping_line(op, &names, out);
        break;
    }
}

typedef struct operator_printer {
    plan_annotator annotate;
    void *context;
    base_buffer *out;
    tree_prefix prefix;
} operator_printer;

static void print_operators(operator_printer *printer, const plan_operator *op, bool root,
                            bool last)
{
    begin_line(&printer->prefix, root, last, printer->out);
    print_line(op, printer->out);
    end_line(op->rows, printer->out);
    if (printer->annotate)
        printer->annotate(printer->context, op, printer->out);
    base_buffer_append_byte(printer->out, '\n');
    size_t length = printer->prefix.length;
    if (!root)
        prefix_push(&printer->prefix, last ? "   " : "│  ");
    for (int side = 0; side < 2; side++)
        if (op->inputs[side])
            print_operators(printer, op->inputs[side], false, side == 1 || !op->inputs[1]);
    printer->prefix.length = length;
}

void plan_print_analyzed(const plan_operator *root, plan_annotator annotate, void *context,
                         base_buffer *out)
{
    operator_printer printer = {.annotate = annotate, .context = context, .out = out};
    print_operators(&printer, root, true, true);
}

void plan_print_operator(const plan_operator *root, base_buffer *out)
{
    plan_print_analyzed(root, NULL, NULL, out);
}
