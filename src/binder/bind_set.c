/*
 * bind_set.c - UNION, INTERSECT, EXCEPT: two queries with columns of common types.
 *
 * Untyped literals of either side take the other's type; two untyped ones are TEXT. The
 * result has numbers of its own and the names of the left side.
 */
#include "binder/binder_int.h"

static const char *set_word(const parser_query *query)
{
    switch (query->set.kind) {
    case PARSER_UNION:
        return "UNION";
    case PARSER_INTERSECT:
        return "INTERSECT";
    case PARSER_EXCEPT:
        return "EXCEPT";
    }
    return "UNION";
}

static base_status common_types(binder *b, const parser_query *query, const bind_result *left,
                                const bind_result *right, types_type *types)
{
    if (left->column_count != right->column_count)
        return bind_error(b, BASE_SYNTAX, query->set.right->position,
                          "each side of %s must have as many columns: %u and %u", set_word(query),
                          left->column_count, right->column_count);
    for (uint32_t i = 0; i < left->column_count; i++) {
        if (!types_common(left->types[i], right->types[i], &types[i])) {
            char one[TYPES_NAME_SIZE], other[TYPES_NAME_SIZE];
            return bind_error(b, BASE_TYPE_MISMATCH, query->set.right->position,
                              "column %u of %s cannot be both %s and %s", i + 1, set_word(query),
                              types_name(left->types[i], one), types_name(right->types[i], other));
        }
        if (types[i].kind == TYPES_UNKNOWN)
            types[i] = TYPES_OF(TEXT);
    }
    return BASE_OK;
}

base_status bind_set_combine(binder *b, const parser_query *query, bind_result *left,
                             bind_result *right, bind_result *result)
{
    uint32_t count = left->column_count;
    types_type *types = bind_array(b, count, sizeof *types);
    plan_node *node = plan_node_new(b->arena, PLAN_SET_OPERATION, count);
    if (!types || !node)
        return bind_no_memory(b);
    RETURN_IF_ERROR(common_types(b, query, left, right, types));
    RETURN_IF_ERROR(
        bind_cast_result(b, left, types, TYPES_CAST_EXPLICIT, query->set.left->position));
    RETURN_IF_ERROR(
        bind_cast_result(b, right, types, TYPES_CAST_EXPLICIT, query->set.right->position));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
    node->inputs[0] = left->node;
    node->inputs[1] = right->node;
    node->set.all = query->set.all;
    switch (query->set.kind) {
    case PARSER_UNION:
        node->set.kind = PLAN_UNION;
        break;
    case PARSER_INTERSECT:
        node->set.kind = PLAN_INTERSECT;
        break;
    case PARSER_EXCEPT:
        node->set.kind = PLAN_EXCEPT;
        break;
    }
    *result =
        (bind_result){.node = node, .column_count = count, .names = left->names, .types = types};
    return BASE_OK;
}

base_status bind_set_operation(binder *b, bind_scope *outer, bind_cte *ctes,
                               const parser_query *query, bind_result *result)
{
    bind_result left, right;
    RETURN_IF_ERROR(bind_query(b, outer, ctes, query->set.left, true, &left));
    RETURN_IF_ERROR(bind_query(b, outer, ctes, query->set.right, true, &right));
    return bind_set_combine(b, query, &left, &right, result);
}
