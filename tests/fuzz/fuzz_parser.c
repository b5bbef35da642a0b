/*
 * fuzz_parser.c - any bytes as SQL text: a tree or an error, positions within the text, no byte
 * lost. The splitter must agree with the parser about where a statement ends.
 */
#include "parser/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_expr(const parser_expr *expr, size_t size)
{
    BASE_VERIFY(expr->position >= 0 && expr->position <= expr->end);
    BASE_VERIFY((size_t)expr->end <= size && expr->height <= PARSER_MAX_DEPTH);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        BASE_VERIFY(expr->arguments[i] && expr->arguments[i]->height < expr->height);
        check_expr(expr->arguments[i], size);
    }
}

static void check_statement(const parser_statement *statement, size_t size)
{
    BASE_VERIFY(statement->position >= 0 && statement->position < statement->end);
    BASE_VERIFY((size_t)statement->end <= size);
    if (statement->kind != PARSER_STATEMENT_QUERY || statement->query->kind != PARSER_QUERY_SELECT)
        return;
    const parser_query *query = statement->query;
    for (uint32_t i = 0; i < query->select.item_count; i++)
        check_expr(query->select.items[i].expr, size);
    if (query->select.where)
        check_expr(query->select.where, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    base_budget budget;
    base_arena arena;
    base_budget_init(&budget, NULL, &base_libc_allocator, "fuzz", 64 << 20);
    base_arena_init(&arena, &budget);
    base_text sql = {(const char *)data, size};
    size_t offset = 0;
    while (offset < size) {
        parser_statement *statement;
        base_error error;
        base_error_clear(&error);
        size_t before = offset;
        base_status status = parser_parse(sql, &offset, &arena, &statement, &error);
        BASE_VERIFY(offset > before && offset <= size);
        if (status == BASE_OK && statement)
            check_statement(statement, size);
        if (status != BASE_OK)
            BASE_VERIFY(error.status == status && error.message[0] &&
                        error.position <= (int32_t)size);
        base_arena_reset(&arena);
    }
    parser_expr *expr;
    base_error error;
    base_error_clear(&error);
    if (parser_parse_expr(sql, &arena, &expr, &error) == BASE_OK)
        check_expr(expr, size);
    size_t end;
    bool blank;
    (void)parser_is_complete(sql, &end, &blank);
    BASE_VERIFY(end <= size);
    base_arena_destroy(&arena);
    BASE_VERIFY(atomic_load(&budget.used) == 0);
    return 0;
}
