/*
 * join_order.c - inner joins in the order with the least estimated cost.
 *
 * A region is a maximal tree of inner joins; its leaves are everything else. Small regions
 * are searched exhaustively by dynamic programming over connected subgraphs (G. Moerkotte,
 * T. Neumann, "Analysis of Two Existing and One New Dynamic Programming Algorithm", VLDB
 * 2006), bushy trees included; large or dense ones greedily, the pair with the smallest
 * result first. Cross products are made only between parts that nothing connects.
 *
 * Cost is that of reading, building, probing and producing rows (optimizer_cost.c); a leaf whose
 * rows the rowid or an index finds is charged per lookup instead of its scan. Which side is built,
 * and with which operator, is decided again in translation from the same numbers.
 *
 * Equalities form classes (a = b, b = c): members join each other whether written or not,
 * and one equality per class and join is enough, so estimates do not count it twice.
 *
 * Invariants: the region's columns and their order stay; every conjunct is applied exactly
 * once, or implied by those that are.
 */
#include "optimizer/optimizer_int.h"

enum {
    MAX_LEAVES = 64,     /* bits of a set */
    MAX_EXHAUSTIVE = 12, /* leaves of a connected part */
    MAX_PAIRS = 30000,   /* joins looked at before greed takes over */
};

enum {
    COLUMNS = 3, /* that a leaf is taken to be read with: which are needed is settled later */
};

typedef uint64_t leaf_set;

typedef struct candidate {
    leaf_set set; /* 0: not made yet */
    double rows, cost;
    struct candidate *left, *right; /* NULL: a leaf */
    plan_node *node;
} candidate;

typedef struct edge {
    plan_expr *expr;
    leaf_set set;
    int32_t class;               /* of equal columns; -1: no such equality */
    leaf_set by_rowid, by_index; /* leaves whose rows this equality finds */
} edge;

typedef struct region {
    optimizer_state *state;
    plan_node *leaves[MAX_LEAVES];
    plan_column_set leaf_columns[MAX_LEAVES];
    uint32_t leaf_count;
    optimizer_list conjuncts;
    edge *edges;
    uint32_t edge_count;
    leaf_set neighbours[MAX_LEAVES];
    optimizer_list leaf_filters[MAX_LEAVES]; /* implied equalities within one leaf */
    candidate *table;                        /* by the set's bits within `part`, dense */
    leaf_set part;
    uint32_t pair_count;
    base_status status;
} region;

/* ---- Collecting ---------------------------------------------------------------------------- */

/* A projection that only hides columns, as rules leave them. */
static bool only_hides(const plan_node *node)
{
    if (node->kind != PLAN_PROJECT)
        return false;
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        if (output->expr->kind != PLAN_EXPR_COLUMN || output->expr->column != output->column)
            return false;
    }
    return true;
}

static bool is_inner(const plan_node *node)
{
    return node->kind == PLAN_JOIN && node->join.kind == PLAN_JOIN_INNER;
}

/* The inner join under projections that hide and filters; NULL when there is none. */
static const plan_node *inner_below(const plan_node *node)
{
    while (only_hides(node) || node->kind == PLAN_FILTER)
        node = node->inputs[0];
    return is_inner(node) ? node : NULL;
}

static uint32_t count_leaves(const plan_node *node)
{
    const plan_node *join = inner_below(node);
    return join ? count_leaves(join->inputs[0]) + count_leaves(join->inputs[1]) : 1;
}

static base_status collect(region *self, plan_node *node)
{
    if (!inner_below(node)) {
        BASE_ASSERT(self->leaf_count < MAX_LEAVES);
        self->leaves[self->leaf_count++] = node;
        return BASE_OK;
    }
    for (; !is_inner(node); node = node->inputs[0]) {
        if (node->kind == PLAN_FILTER)
            RETURN_IF_ERROR(optimizer_split(self->state, node->filter.condition, &self->conjuncts));
    }
    RETURN_IF_ERROR(optimizer_split(self->state, node->join.condition, &self->conjuncts));
    RETURN_IF_ERROR(collect(self, node->inputs[0]));
    return collect(self, node->inputs[1]);
}

/* ---- The graph ------------------------------------------------------------------------------- */

static base_status leaves_of(region *self, const plan_expr *expr, leaf_set *set)
{
    *set = 0;
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        bool touches = false;
        RETURN_IF_ERROR(
            optimizer_expr_touches(self->state, expr, &self->leaf_columns[i], &touches));
        if (touches)
            *set |= (leaf_set)1 << i;
    }
    return BASE_OK;
}

static int32_t place_in(const plan_node *node, plan_column column)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i] == column)
            return (int32_t)i;
    }
    return -1;
}

/* Notes the leaves that find rows by a column of the equality: bare scans, by their rowid or by
 * an index that begins with it. */
static void note_lookups(const region *self, const plan_expr *expr, edge *made)
{
    for (uint32_t side = 0; side < 2; side++) {
        const plan_expr *column = expr->arguments[side];
        for (uint32_t i = 0; column->kind == PLAN_EXPR_COLUMN && i < self->leaf_count; i++) {
            const plan_node *leaf = self->leaves[i];
            int32_t place = leaf->kind == PLAN_SCAN ? place_in(leaf, column->column) : -1;
            if (place < 0)
                continue;
            const catalog_table *table = leaf->scan.table;
            uint32_t id = optimizer_relation_column(table, leaf->scan.column_ids[place]);
            if (id == TABLE_ROWID)
                made->by_rowid |= (leaf_set)1 << i;
            else if (optimizer_leads_index(table, id))
                made->by_index |= (leaf_set)1 << i;
        }
    }
}

static bool is_column_equality(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL &&
           expr->arguments[0]->kind == PLAN_EXPR_COLUMN &&
           expr->arguments[1]->kind == PLAN_EXPR_COLUMN &&
           types_equal(expr->arguments[0]->type, expr->arguments[1]->type);
}

static base_status add_edge(region *self, plan_expr *expr)
{
    edge *made = &self->edges[self->edge_count];
    *made = (edge){.expr = expr, .class = -1};
    RETURN_IF_ERROR(leaves_of(self, expr, &made->set));
    if (expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL)
        note_lookups(self, expr, made);
    self->edge_count++;
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        if (made->set >> i & 1)
            self->neighbours[i] |= made->set & ~((leaf_set)1 << i);
    }
    return BASE_OK;
}

static bool share_column(const plan_expr *a, const plan_expr *b)
{
    for (uint32_t i = 0; i < 4; i++) {
        if (a->arguments[i / 2]->column == b->arguments[i % 2]->column)
            return true;
    }
    return false;
}

/* Numbers the classes of equal columns: repeated merging, regions are small. */
static void number_classes(region *self)
{
    for (uint32_t i = 0; i < self->edge_count; i++) {
        if (is_column_equality(self->edges[i].expr))
            self->edges[i].class = (int32_t)i;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < self->edge_count; i++) {
            for (uint32_t k = 0; k < i; k++) {
                edge *a = &self->edges[k], *b = &self->edges[i];
                if (a->class < 0 || b->class < 0 || a->class == b->class ||
                    !share_column(a->expr, b->expr))
                    continue;
                a->class = b->class = BASE_MIN(a->class, b->class);
                changed = true;
            }
        }
    }
}

static bool has_equality(const region *self, plan_column a, plan_column b)
{
    for (uint32_t i = 0; i < self->edge_count; i++) {
        const plan_expr *expr = self->edges[i].expr;
        if (self->edges[i].class < 0)
            continue;
        plan_column left = expr->arguments[0]->column, right = expr->arguments[1]->column;
        if ((left == a && right == b) || (left == b && right == a))
            return true;
    }
    return false;
}

/* Adds what a class implies between the columns of two of its written equalities. */
static base_status imply(region *self, uint32_t first, uint32_t second, uint32_t capacity)
{
    for (uint32_t k = 0; k < 4 && self->edge_count < capacity; k++) {
        plan_expr *a = self->edges[first].expr->arguments[k / 2];
        plan_expr *b = self->edges[second].expr->arguments[k % 2];
        if (a->column == b->column || has_equality(self, a->column, b->column))
            continue;
        plan_expr *expr = plan_compare(self->state->arena, VECTOR_EQUAL, a, b);
        if (!expr)
            return optimizer_no_memory(self->state);
        RETURN_IF_ERROR(add_edge(self, expr));
        edge *made = &self->edges[self->edge_count - 1];
        made->class = self->edges[first].class;
        if (made->set & (made->set - 1))
            continue;
        /* Two columns of one leaf: a filter there, so that one equality per class is enough
         * between any two sets. */
        self->edge_count--;
        RETURN_IF_ERROR(
            optimizer_list_add(self->state, &self->leaf_filters[__builtin_ctzll(made->set)], expr));
    }
    return BASE_OK;
}

static base_status make_graph(region *self)
{
    uint32_t written = self->conjuncts.count, capacity = written + 2 * written * written;
    self->edges = base_arena_allocate_array(self->state->arena, capacity, sizeof *self->edges);
    if (!self->edges)
        return optimizer_no_memory(self->state);
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        self->leaf_columns[i] = optimizer_set(self->state);
        RETURN_IF_ERROR(
            optimizer_set_add_node(self->state, &self->leaf_columns[i], self->leaves[i]));
    }
    for (uint32_t i = 0; i < written; i++)
        RETURN_IF_ERROR(add_edge(self, self->conjuncts.items[i]));
    number_classes(self);
    for (uint32_t i = 0; i < written; i++) {
        for (uint32_t k = i + 1; k < written; k++) {
            if (self->edges[i].class >= 0 && self->edges[i].class == self->edges[k].class)
                RETURN_IF_ERROR(imply(self, i, k, capacity));
        }
    }
    return BASE_OK;
}

/* ---- Joining two sets ------------------------------------------------------------------------ */

static bool applies(const edge *one, leaf_set left, leaf_set right)
{
    return !(one->set & ~(left | right)) && (one->set & left) && (one->set & right);
}

/* The conditions of a join of the two sets: one per class; `found`: by what leaves are found. */
static base_status conditions_of(region *self, leaf_set left, leaf_set right,
                                 optimizer_list *conditions, edge *found)
{
    uint64_t seen[8] = {0}; /* classes below 512; later ones are merely repeated */
    for (uint32_t i = 0; i < self->edge_count; i++) {
        const edge *one = &self->edges[i];
        if (!applies(one, left, right))
            continue;
        found->by_rowid |= one->by_rowid;
        found->by_index |= one->by_index;
        if (one->class >= 0 && one->class < 512) {
            if (seen[one->class / 64] >> (one->class % 64) & 1)
                continue;
            seen[one->class / 64] |= (uint64_t)1 << (one->class % 64);
        }
        RETURN_IF_ERROR(optimizer_list_add(self->state, conditions, one->expr));
    }
    return BASE_OK;
}

static bool is_single(leaf_set set)
{
    return !(set & (set - 1));
}

static bool has_key(const optimizer_list *conditions)
{
    for (uint32_t i = 0; i < conditions->count; i++) {
        const plan_expr *expr = conditions->items[i];
        if ((expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL) ||
            (expr->kind == PLAN_EXPR_DISTINCT_FROM && expr->negated))
            return true;
    }
    return false;
}

/* Finding the partners of `outer` in the leaf one by one; INFINITY where nothing finds them. */
static double lookup_cost(const region *self, const edge *found, const candidate *outer,
                          const candidate *leaf, double rows)
{
    if (!is_single(leaf->set) || !((found->by_rowid | found->by_index) & leaf->set))
        return INFINITY;
    double table = optimizer_table_rows(self->state, leaf->node->scan.table);
    if (found->by_rowid & leaf->set)
        return outer->cost + outer->rows * optimizer_cost_rowid(table, COLUMNS);
    /* The leaf's filter is applied to what has been fetched. */
    double fetched = rows * BASE_MAX(table / BASE_MAX(leaf->rows, 1.0), 1.0);
    return outer->cost + outer->rows * optimizer_cost_seek(table) +
           fetched * optimizer_cost_entry(table, COLUMNS);
}

static base_status weigh(region *self, candidate *a, candidate *b, double known_rows,
                         candidate *joined)
{
    optimizer_list conditions = {0};
    edge found = {0};
    double rows = known_rows;
    RETURN_IF_ERROR(conditions_of(self, a->set, b->set, &conditions, &found));
    if (rows < 0)
        RETURN_IF_ERROR(optimizer_join_rows(self->state, &conditions, a->rows, b->rows, &rows));
    double small = BASE_MIN(a->rows, b->rows), large = BASE_MAX(a->rows, b->rows);
    double work = has_key(&conditions)
                      ? optimizer_cost_build(small) + optimizer_cost_probe(large, small)
                      : optimizer_cost_pairs(small * large);
    double cost = a->cost + b->cost + work;
    cost = BASE_MIN(cost, lookup_cost(self, &found, a, b, rows));
    cost = BASE_MIN(cost, lookup_cost(self, &found, b, a, rows));
    *joined = (candidate){.set = a->set | b->set,
                          .rows = rows,
                          .cost = cost + optimizer_cost_output(rows),
                          .left = a,
                          .right = b};
    return BASE_OK;
}

/* ---- Exhaustive search ----------------------------------------------------------------------- */

/* The place of a subset of `part` in the table: its bits pressed together. */
static uint32_t place_of(const region *self, leaf_set set)
{
    uint32_t place = 0, bit = 0;
    for (leaf_set left = self->part; left; left &= left - 1, bit++) {
        if (set & left & -left)
            place |= 1u << bit;
    }
    return place;
}

static leaf_set neighbours_of(const region *self, leaf_set set)
{
    leaf_set all = 0;
    for (leaf_set left = set; left; left &= left - 1)
        all |= self->neighbours[__builtin_ctzll(left)];
    return all & ~set & self->part;
}

static void consider(region *self, leaf_set left, leaf_set right)
{
    candidate *a = &self->table[place_of(self, left)];
    candidate *b = &self->table[place_of(self, right)];
    candidate *best = &self->table[place_of(self, left | right)], joined;
    if (self->status != BASE_OK || ++self->pair_count > MAX_PAIRS || !a->set || !b->set)
        return;
    self->status = weigh(self, a, b, best->set ? best->rows : -1, &joined);
    if (self->status == BASE_OK && (!best->set || joined.cost < best->cost))
        *best = joined;
}

static leaf_set up_to(uint32_t leaf)
{
    return leaf >= 63 ? ~(leaf_set)0 : ((leaf_set)1 << (leaf + 1)) - 1;
}

static void grow_complement(region *self, leaf_set left, leaf_set right, leaf_set excluded)
{
    leaf_set near = neighbours_of(self, right) & ~excluded;
    if (!near || self->pair_count > MAX_PAIRS)
        return;
    for (leaf_set more = near & -near; more; more = (more - near) & near)
        consider(self, left, right | more);
    for (leaf_set more = near & -near; more; more = (more - near) & near)
        grow_complement(self, left, right | more, excluded | near);
}

static void join_with_complements(region *self, leaf_set left)
{
    leaf_set excluded = up_to((uint32_t)__builtin_ctzll(left)) | left;
    leaf_set near = neighbours_of(self, left) & ~excluded;
    for (leaf_set rest = near; rest;) {
        uint32_t leaf = 63 - (uint32_t)__builtin_clzll(rest);
        leaf_set one = (leaf_set)1 << leaf;
        rest &= ~one;
        consider(self, left, one);
        grow_complement(self, left, one, excluded | (up_to(leaf) & near));
    }
}

static void grow_connected(region *self, leaf_set set, leaf_set excluded)
{
    leaf_set near = neighbours_of(self, set) & ~excluded;
    if (!near || self->pair_count > MAX_PAIRS)
        return;
    for (leaf_set more = near & -near; more; more = (more - near) & near)
        join_with_complements(self, set | more);
    for (leaf_set more = near & -near; more; more = (more - near) & near)
        grow_connected(self, set | more, excluded | near);
}

/* The best join of the connected `part`; NULL when there were too many. */
static base_status search(region *self, candidate *leaves, candidate **best)
{
    uint32_t count = (uint32_t)__builtin_popcountll(self->part);
    *best = NULL;
    self->pair_count = 0;
    self->table =
        base_arena_allocate_array(self->state->arena, (size_t)1 << count, sizeof *self->table);
    if (!self->table)
        return optimizer_no_memory(self->state);
    for (leaf_set left = self->part; left; left &= left - 1)
        self->table[place_of(self, left & -left)] = leaves[__builtin_ctzll(left)];
    for (uint32_t i = self->leaf_count; i-- > 0;) {
        if (!(self->part >> i & 1))
            continue;
        join_with_complements(self, (leaf_set)1 << i);
        grow_connected(self, (leaf_set)1 << i, up_to(i));
    }
    candidate *whole = &self->table[place_of(self, self->part)];
    if (self->pair_count <= MAX_PAIRS && whole->set)
        *best = whole;
    return self->status;
}

/* ---- Greed ----------------------------------------------------------------------------------- */

static bool connected(const region *self, leaf_set a, leaf_set b)
{
    for (leaf_set left = a; left; left &= left - 1) {
        if (self->neighbours[__builtin_ctzll(left)] & b)
            return true;
    }
    return false;
}

/* Joins the parts until one is left: connected pairs with the smallest result first. */
static base_status join_greedily(region *self, candidate **parts, uint32_t count,
                                 candidate **result)
{
    while (count > 1) {
        uint32_t first = 0, second = 0;
        bool best_connected = false;
        candidate best = {0};
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t k = i + 1; k < count; k++) {
                candidate joined;
                bool linked = connected(self, parts[i]->set, parts[k]->set);
                if (best.set && best_connected && !linked)
                    continue;
                RETURN_IF_ERROR(weigh(self, parts[i], parts[k], -1, &joined));
                if (best.set && linked == best_connected && joined.rows >= best.rows)
                    continue;
                best = joined;
                best_connected = linked;
                first = i;
                second = k;
            }
        }
        candidate *made = base_arena_allocate(self->state->arena, sizeof *made);
        if (!made)
            return optimizer_no_memory(self->state);
        *made = best;
        parts[first] = made;
        parts[second] = parts[--count];
    }
    *result = parts[0];
    return BASE_OK;
}

/* ---- The region ------------------------------------------------------------------------------ */

static leaf_set connected_part(const region *self, leaf_set start)
{
    for (leaf_set set = start, before = 0; set != before; start = set) {
        before = set;
        for (leaf_set left = before; left; left &= left - 1)
            set |= self->neighbours[__builtin_ctzll(left)];
    }
    return start;
}

static base_status choose(region *self, candidate *leaves, candidate **best)
{
    candidate *parts[MAX_LEAVES];
    uint32_t count = 0;
    leaf_set all = up_to(self->leaf_count - 1), done = 0;
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        if (done >> i & 1)
            continue;
        candidate *part = NULL;
        self->part = connected_part(self, (leaf_set)1 << i) & all;
        done |= self->part;
        if (is_single(self->part))
            part = &leaves[i];
        else if (__builtin_popcountll(self->part) <= MAX_EXHAUSTIVE)
            RETURN_IF_ERROR(search(self, leaves, &part));
        if (part) {
            parts[count++] = part;
            continue;
        }
        candidate *members[MAX_LEAVES];
        uint32_t member_count = 0;
        for (leaf_set left = self->part; left; left &= left - 1)
            members[member_count++] = &leaves[__builtin_ctzll(left)];
        RETURN_IF_ERROR(join_greedily(self, members, member_count, &parts[count++]));
    }
    return join_greedily(self, parts, count, best);
}

static base_status build(region *self, const candidate *best, plan_node **node)
{
    if (!best->left) {
        *node = best->node;
        return BASE_OK;
    }
    plan_node *left, *right;
    plan_expr *condition;
    optimizer_list conditions = {0};
    edge found = {0};
    RETURN_IF_ERROR(build(self, best->left, &left));
    RETURN_IF_ERROR(build(self, best->right, &right));
    RETURN_IF_ERROR(conditions_of(self, best->left->set, best->right->set, &conditions, &found));
    RETURN_IF_ERROR(optimizer_conjunction(self->state, &conditions, &condition));
    RETURN_IF_ERROR(optimizer_join_node(self->state, PLAN_JOIN_INNER, left, right, condition,
                                        PLAN_NO_COLUMN, node));
    (*node)->rows = best->rows;
    return BASE_OK;
}

/* Conjuncts that join nothing: constants, or volatile ones over a single leaf. */
static base_status rest_of(region *self, optimizer_list *rest)
{
    for (uint32_t i = 0; i < self->edge_count; i++) {
        if (is_single(self->edges[i].set))
            RETURN_IF_ERROR(optimizer_list_add(self->state, rest, self->edges[i].expr));
    }
    return BASE_OK;
}

static base_status order_region(optimizer_state *state, plan_node **root)
{
    region *self = base_arena_allocate_zeroed(state->arena, sizeof *self);
    if (!self)
        return optimizer_no_memory(state);
    self->state = state;
    plan_node *before = *root;
    candidate leaves[MAX_LEAVES], *best;
    optimizer_list rest = {0};
    plan_expr *condition;
    RETURN_IF_ERROR(collect(self, before));
    RETURN_IF_ERROR(make_graph(self));
    for (uint32_t i = 0; i < self->leaf_count; i++) {
        plan_node *leaf = self->leaves[i];
        RETURN_IF_ERROR(optimizer_push_conditions(state, &leaf, &self->leaf_filters[i]));
        RETURN_IF_ERROR(optimizer_order_joins(state, &leaf));
        self->leaves[i] = leaf;
        double scanned =
            leaf->kind == PLAN_SCAN ? optimizer_table_rows(state, leaf->scan.table) : leaf->rows;
        leaves[i] = (candidate){.set = (leaf_set)1 << i,
                                .rows = leaf->rows,
                                .cost = optimizer_cost_scan(scanned, COLUMNS),
                                .node = leaf};
    }
    RETURN_IF_ERROR(choose(self, leaves, &best));
    RETURN_IF_ERROR(build(self, best, root));
    RETURN_IF_ERROR(rest_of(self, &rest));
    RETURN_IF_ERROR(optimizer_conjunction(state, &rest, &condition));
    double rows = (*root)->rows;
    RETURN_IF_ERROR(optimizer_filter_node(state, *root, condition, root));
    (*root)->rows = rows;
    RETURN_IF_ERROR(
        optimizer_restrict_node(state, *root, before->columns, before->column_count, root));
    (*root)->rows = rows;
    return BASE_OK;
}

base_status optimizer_order_joins(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root;
    RETURN_IF_ERROR(optimizer_enter(state));
    if (is_inner(node) && count_leaves(node) <= MAX_LEAVES) {
        RETURN_IF_ERROR(order_region(state, root));
        optimizer_leave(state);
        return BASE_OK;
    }
    if (node->kind == PLAN_JOIN && node->join.kind == PLAN_JOIN_SEMI && !node->join.right_ordered) {
        /* Once: the right sides of queries within queries lie within each other. */
        RETURN_IF_ERROR(optimizer_order_joins(state, &node->inputs[1]));
        node->join.right_ordered = true;
        RETURN_IF_ERROR(optimizer_place_semi_join(state, root));
        if (*root != node) {
            RETURN_IF_ERROR(optimizer_order_joins(state, root));
            optimizer_leave(state);
            return BASE_OK;
        }
    }
    if (node->kind == PLAN_CTE && node->cte.recursive) {
        /* Scans inside the definition need a size before it is known. */
        plan_node *definition = node->inputs[0];
        RETURN_IF_ERROR(optimizer_order_joins(state, &definition->inputs[0]));
        definition->rows = definition->inputs[0]->rows * 10;
        RETURN_IF_ERROR(optimizer_order_joins(state, &definition->inputs[1]));
        RETURN_IF_ERROR(optimizer_order_joins(state, &node->inputs[1]));
    } else {
        for (uint32_t i = 0; i < optimizer_input_count(node); i++) {
            if (i == 0 || node->kind != PLAN_JOIN || !node->join.right_ordered)
                RETURN_IF_ERROR(optimizer_order_joins(state, &node->inputs[i]));
            if (node->kind == PLAN_CTE && i == 0)
                state->cte_definitions[node->cte.cte] = node->inputs[0];
        }
    }
    RETURN_IF_ERROR(optimizer_estimate_node(state, node));
    optimizer_leave(state);
    return BASE_OK;
}
