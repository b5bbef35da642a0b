/*
 * selectivity.c - what share of rows passes a condition.
 *
 * From the storage layer's statistics where a column is compared with a constant: number of
 * distinct values, share of NULLs, smallest and largest value. Two bounds of one column are
 * one interval, not two independent tests. Elsewhere fixed guesses, in the order of
 * magnitude that decides between plans: parameters are guessed like unknown constants.
 * Conjuncts count as independent, but each further one a little less (damping), since in
 * real data they seldom are.
 */
#include "optimizer/optimizer_int.h"

static const double GUESS_EQUAL = 0.005;
static const double GUESS_RANGE = 1.0 / 3;
static const double GUESS_PREFIX = 0.05;
static const double GUESS_CONTAINS = 0.1;
static const double GUESS_OTHER = 0.25;

/* What is known of a column that is a base column. */
typedef struct column_facts {
    bool known;
    double rows, distinct, null_share;
    bool has_range;
    double minimum, maximum;
} column_facts;

/* ---- Values on a line -------------------------------------------------------------------- */

/* The first bytes as a fraction: enough to tell where in a range a text lies. */
static double text_number(const types_string *string)
{
    const unsigned char *data = (const unsigned char *)types_string_data(string);
    double number = 0, weight = 1.0 / 256;
    for (uint32_t i = 0; i < string->length && i < 7; i++, weight /= 256)
        number += data[i] * weight;
    return number;
}

static bool value_number(const types_value *value, double *number)
{
    const types_cell *cell = &value->cell;
    if (value->is_null)
        return false;
    switch (types_form_of(value->type)) {
    case TYPES_FORM_BOOL:
        *number = cell->boolean;
        return true;
    case TYPES_FORM_INT8:
        *number = cell->int8;
        return true;
    case TYPES_FORM_INT16:
        *number = cell->int16;
        return true;
    case TYPES_FORM_INT32:
        *number = cell->int32;
        return true;
    case TYPES_FORM_INT64:
        *number = (double)cell->int64;
        break;
    case TYPES_FORM_UINT64:
        *number = (double)cell->uint64;
        break;
    case TYPES_FORM_INT128:
        *number = (double)cell->int128;
        break;
    case TYPES_FORM_FLOAT32:
        *number = (double)cell->float32;
        break;
    case TYPES_FORM_FLOAT64:
        *number = cell->float64;
        break;
    case TYPES_FORM_STRING:
        *number = text_number(&cell->string);
        return true;
    default:
        return false;
    }
    if (value->type.kind == TYPES_DECIMAL)
        *number /= pow(10, value->type.scale);
    return isfinite(*number);
}

/* ---- Columns ------------------------------------------------------------------------------- */

double optimizer_table_rows(const optimizer_state *state, const catalog_table *table)
{
    const optimizer_statistics *source = &state->options->statistics;
    double rows = source->row_count ? source->row_count(source->context, table) : 0;
    return rows > 1 ? rows : 1;
}

bool optimizer_is_unique(const optimizer_column *column)
{
    if (!column->table)
        return false;
    if (column->column_id == TABLE_ROWID)
        return true;
    for (uint32_t i = 0; i < column->table->index_count; i++) {
        const catalog_index *index = column->table->indexes[i];
        if (index->unique && index->part_count == 1 && index->parts[0].column == column->column_id)
            return true;
    }
    return false;
}

static bool counts_up(types_type type)
{
    return types_is_integer(type) || type.kind == TYPES_DATE || type.kind == TYPES_BOOLEAN;
}

static column_facts facts_of(const optimizer_state *state, const plan_expr *expr)
{
    column_facts facts = {0};
    if (expr->kind != PLAN_EXPR_COLUMN || (uint32_t)expr->column >= state->column_count)
        return facts;
    const optimizer_column *column = &state->columns[expr->column];
    if (!column->table) {
        facts.known = column->distinct > 0;
        facts.distinct = column->distinct;
        return facts;
    }
    table_column_statistics statistics;
    const optimizer_statistics *source = &state->options->statistics;
    memset(&statistics, 0, sizeof statistics);
    if (source->column)
        source->column(source->context, column->table, column->column_id, &statistics);
    facts.rows = optimizer_table_rows(state, column->table);
    facts.distinct = statistics.distinct_count;
    facts.null_share = BASE_MIN((double)statistics.null_count / facts.rows, 1.0);
    facts.has_range = statistics.has_range && value_number(&statistics.minimum, &facts.minimum) &&
                      value_number(&statistics.maximum, &facts.maximum);
    if (column->column_id == TABLE_ROWID && !facts.has_range) {
        /* Rowids are handed out from 1 on. */
        facts.has_range = true;
        facts.minimum = 1;
        facts.maximum = facts.rows;
    }
    if (optimizer_is_unique(column))
        facts.distinct = facts.rows;
    else if (facts.has_range && counts_up(column->type)) {
        double span = facts.maximum - facts.minimum + 1;
        if (!(facts.distinct > 0))
            facts.distinct = BASE_MIN(span, facts.rows);
        facts.distinct = BASE_MIN(facts.distinct, span);
    }
    facts.known = facts.distinct > 0;
    return facts;
}

/* How many of a column's values turn up in so many of its table's rows, drawn at random: each value
 * stands in as many rows as any other, and is missed by all draws or not (S. B. Yao, CACM 1977). */
static double values_among(const column_facts *facts, double rows)
{
    if (rows >= facts->rows || facts->distinct < 1)
        return facts->distinct;
    double missed = pow(1 - rows / facts->rows, facts->rows / facts->distinct);
    return facts->distinct * (1 - missed);
}

double optimizer_distinct(const optimizer_state *state, const plan_expr *expr, double rows)
{
    if (expr->kind == PLAN_EXPR_CONSTANT || expr->kind == PLAN_EXPR_PARAMETER)
        return 1;
    column_facts facts = facts_of(state, expr);
    double distinct = facts.known ? values_among(&facts, rows) : 0;
    if (!facts.known && expr->argument_count) {
        /* A function of one column has at most its values. */
        distinct = 1;
        for (uint32_t i = 0; i < expr->argument_count; i++)
            distinct *= optimizer_distinct(state, expr->arguments[i], rows);
    }
    if (!(distinct > 0))
        distinct = expr->type.kind == TYPES_BOOLEAN ? 2 : BASE_MIN(rows, 200);
    return BASE_MAX(1.0, BASE_MIN(distinct, rows));
}

/* ---- Single tests ---------------------------------------------------------------------------- */

static double equal_share(const optimizer_state *state, const plan_expr *column)
{
    column_facts facts = facts_of(state, column);
    if (facts.known)
        return (1 - facts.null_share) / BASE_MAX(facts.distinct, 1.0);
    if (column->type.kind == TYPES_BOOLEAN)
        return 0.5;
    return GUESS_EQUAL;
}

static bool is_value(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT || expr->kind == PLAN_EXPR_PARAMETER;
}

/* Share of a column's values below a constant; negative: unknown. */
static double position_of(const optimizer_state *state, const plan_expr *column,
                          const plan_expr *value)
{
    double number;
    column_facts facts = facts_of(state, column);
    if (!facts.has_range || value->kind != PLAN_EXPR_CONSTANT ||
        !value_number(&value->constant, &number))
        return -1;
    if (facts.maximum <= facts.minimum)
        return number > facts.minimum ? 1 : 0;
    double position = (number - facts.minimum) / (facts.maximum - facts.minimum);
    return BASE_MAX(0.0, BASE_MIN(1.0, position));
}

static double range_share(const optimizer_state *state, const plan_expr *expr)
{
    double below = position_of(state, expr->arguments[0], expr->arguments[1]);
    if (below < 0)
        return GUESS_RANGE;
    bool less = expr->comparison == VECTOR_LESS || expr->comparison == VECTOR_LESS_EQUAL;
    return BASE_MAX(less ? below : 1 - below, 0.0005);
}

static double compare_share(const optimizer_state *state, const plan_expr *expr)
{
    const plan_expr *a = expr->arguments[0], *b = expr->arguments[1];
    bool value = is_value(b);
    switch (expr->comparison) {
    case VECTOR_EQUAL:
        if (value)
            return equal_share(state, a);
        return 1 / BASE_MAX(optimizer_distinct(state, a, 1e12), optimizer_distinct(state, b, 1e12));
    case VECTOR_NOT_EQUAL:
        return value ? 1 - equal_share(state, a) : 0.9;
    default:
        return value ? range_share(state, expr) : GUESS_RANGE;
    }
}

static double call_share(const plan_expr *expr)
{
    const char *name = expr->function->name;
    bool like = strcmp(name, "like") == 0 || strcmp(name, "glob") == 0;
    if (!like && strcmp(name, "ilike") != 0)
        return GUESS_OTHER;
    const plan_expr *pattern = expr->argument_count > 1 ? expr->arguments[1] : NULL;
    if (!pattern || pattern->kind != PLAN_EXPR_CONSTANT || pattern->constant.is_null)
        return GUESS_CONTAINS;
    const types_string *text = &pattern->constant.cell.string;
    const char *data = types_string_data(text);
    bool contains = text->length == 0 || data[0] == '%' || data[0] == '*';
    return contains ? GUESS_CONTAINS : GUESS_PREFIX;
}

static double share_of(const optimizer_state *state, const plan_expr *expr)
{
    double share;
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_CONSTANT:
        return optimizer_is_false_or_null(expr) ? 0 : 1;
    case PLAN_EXPR_COMPARE:
        return compare_share(state, expr);
    case PLAN_EXPR_DISTINCT_FROM:
        share = 1 / BASE_MAX(optimizer_distinct(state, expr->arguments[0], 1e12),
                             optimizer_distinct(state, expr->arguments[1], 1e12));
        return expr->negated ? share : 1 - share;
    case PLAN_EXPR_IS_NULL: {
        column_facts facts = facts_of(state, expr->arguments[0]);
        share = facts.rows > 0 ? facts.null_share : 0.05;
        return expr->negated ? 1 - share : share;
    }
    case PLAN_EXPR_IN:
        share = equal_share(state, expr->arguments[0]) * (expr->argument_count - 1);
        return BASE_MIN(share, 1.0);
    case PLAN_EXPR_NOT:
        return 1 - share_of(state, expr->arguments[0]);
    case PLAN_EXPR_AND:
        share = 1;
        for (uint32_t i = 0; i < expr->argument_count; i++)
            share *= share_of(state, expr->arguments[i]);
        return share;
    case PLAN_EXPR_OR:
        share = 1;
        for (uint32_t i = 0; i < expr->argument_count; i++)
            share *= 1 - share_of(state, expr->arguments[i]);
        return 1 - share;
    case PLAN_EXPR_CALL:
        return call_share(expr);
    case PLAN_EXPR_COLUMN:
        return 0.5;
    default:
        return GUESS_OTHER;
    }
}

/* ---- Conjunctions ---------------------------------------------------------------------------- */

static bool is_range(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_COMPARE && expr->comparison != VECTOR_EQUAL &&
           expr->comparison != VECTOR_NOT_EQUAL && is_value(expr->arguments[1]);
}

/* The other bound of an interval on the same column, or NULL. */
static const plan_expr *other_bound(const optimizer_list *conjuncts, uint32_t from,
                                    const plan_expr *expr)
{
    bool less = expr->comparison == VECTOR_LESS || expr->comparison == VECTOR_LESS_EQUAL;
    for (uint32_t i = from; i < conjuncts->count; i++) {
        const plan_expr *other = conjuncts->items[i];
        if (!is_range(other) || !plan_expr_equal(other->arguments[0], expr->arguments[0]))
            continue;
        bool other_less =
            other->comparison == VECTOR_LESS || other->comparison == VECTOR_LESS_EQUAL;
        if (other_less != less)
            return other;
    }
    return NULL;
}

static double interval_share(const optimizer_state *state, const plan_expr *a, const plan_expr *b)
{
    double first = position_of(state, a->arguments[0], a->arguments[1]);
    double second = position_of(state, b->arguments[0], b->arguments[1]);
    if (first < 0 || second < 0)
        return GUESS_RANGE * GUESS_RANGE;
    double least = equal_share(state, a->arguments[0]);
    return BASE_MAX(fabs(first - second), least);
}

base_status optimizer_selectivity(optimizer_state *state, plan_expr *condition, double *share)
{
    optimizer_list conjuncts = {0};
    *share = 1;
    RETURN_IF_ERROR(optimizer_split(state, condition, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        const plan_expr *expr = conjuncts.items[i];
        if (is_range(expr)) {
            const plan_expr *bound = other_bound(&conjuncts, i + 1, expr);
            if (bound) {
                *share *= interval_share(state, expr, bound);
                continue;
            }
            bool counted = false;
            for (uint32_t k = 0; k < i && !counted; k++)
                counted = is_range(conjuncts.items[k]) &&
                          other_bound(&conjuncts, k + 1, conjuncts.items[k]) == expr;
            if (counted)
                continue;
        }
        *share *= share_of(state, expr);
    }
    return BASE_OK;
}

/* ---- Joins ----------------------------------------------------------------------------------- */

static bool is_equality(const plan_expr *expr)
{
    return (expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL) ||
           (expr->kind == PLAN_EXPR_DISTINCT_FROM && expr->negated);
}

/* When the equalities' columns of one table are a key of it, that key's rows count, not the
 * product of its columns' distinct values. Returns 0 when there is none. */
static double composite_key_rows(const optimizer_state *state, const optimizer_list *equalities)
{
    for (uint32_t i = 0; i < equalities->count * 2; i++) {
        const plan_expr *side = equalities->items[i / 2]->arguments[i % 2];
        if (side->kind != PLAN_EXPR_COLUMN || !state->columns[side->column].table)
            continue;
        const catalog_table *table = state->columns[side->column].table;
        for (uint32_t k = 0; k < table->index_count; k++) {
            const catalog_index *index = table->indexes[k];
            bool covered = index->unique && index->part_count > 1;
            for (uint32_t p = 0; p < index->part_count && covered; p++) {
                covered = false;
                for (uint32_t e = 0; e < equalities->count * 2 && !covered; e++) {
                    const plan_expr *other = equalities->items[e / 2]->arguments[e % 2];
                    covered = other->kind == PLAN_EXPR_COLUMN &&
                              state->columns[other->column].table == table &&
                              state->columns[other->column].column_id == index->parts[p].column;
                }
            }
            if (covered)
                return optimizer_table_rows(state, table);
        }
    }
    return 0;
}

base_status optimizer_join_rows(optimizer_state *state, const optimizer_list *conjuncts,
                                double left, double right, double *rows)
{
    optimizer_list equalities = {0};
    double share = 1, damping = 1;
    for (uint32_t i = 0; i < conjuncts->count; i++) {
        if (is_equality(conjuncts->items[i]))
            RETURN_IF_ERROR(optimizer_list_add(state, &equalities, conjuncts->items[i]));
        else
            share *= share_of(state, conjuncts->items[i]);
    }
    double key_rows = equalities.count > 1 ? composite_key_rows(state, &equalities) : 0;
    if (key_rows > 0) {
        share /= key_rows;
    } else {
        for (uint32_t i = 0; i < equalities.count; i++) {
            const plan_expr *expr = equalities.items[i];
            double distinct = BASE_MAX(optimizer_distinct(state, expr->arguments[0], 1e12),
                                       optimizer_distinct(state, expr->arguments[1], 1e12));
            share *= pow(1 / distinct, damping);
            damping /= 2;
        }
    }
    *rows = BASE_MAX(left * right * share, 1.0);
    return BASE_OK;
}
