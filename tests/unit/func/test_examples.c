/*
 * test_examples.c - the example of every function, evaluated by SQL, gives the documented
 * answer; and docs/FUNCTIONS.md is what the rows say (run with TUFF_WRITE=1 to write it).
 */
#include "unit/unit_reference.h"
#include "func/func.h"
#include "tuff.h"

/* Evaluates `SELECT example`; the answer as text, NULL as "NULL". */
static void evaluate(tuff_conn *connection, const char *example, char *answer, size_t size)
{
    char sql[1024];
    tuff_result *result = NULL;
    (void)snprintf(sql, sizeof sql, "SELECT %s", example);
    tuff_status status = tuff_query(connection, sql, &result);
    if (status == TUFF_OK)
        status = tuff_next(result);
    if (status == TUFF_ROW && tuff_is_null(result, 0)) {
        (void)snprintf(answer, size, "NULL");
    } else if (status == TUFF_ROW) {
        size_t length;
        const char *text = tuff_get_text(result, 0, &length);
        (void)snprintf(answer, size, "%.*s", (int)length, text ? text : "");
    } else {
        (void)snprintf(answer, size, "%s (%s)", tuff_status_name(status),
                       tuff_conn_error(connection)->message);
    }
    tuff_result_close(result);
}

static void check(tuff_conn *connection, const char *name, const char *example,
                  const char *expected, uint32_t *failures)
{
    char answer[2048];
    if (!example || !expected)
        return;
    evaluate(connection, example, answer, sizeof answer);
    if (strcmp(answer, expected) != 0) {
        print_error("%s: %s gives %s, not %s\n", name, example, answer, expected);
        ++*failures;
    }
}

static void examples_give_their_results(void **state)
{
    (void)state;
    tuff_db *database;
    tuff_conn *connection;
    uint32_t failures = 0;
    assert_int_equal(tuff_open("memory://", &database), TUFF_OK);
    assert_int_equal(tuff_connect(database, &connection), TUFF_OK);
    const func_scalar *row;
    for (uint32_t i = 0; (row = func_scalar_at(i)); i++)
        check(connection, row->name, row->example, row->example_result, &failures);
    tuff_disconnect(connection);
    assert_int_equal(tuff_close(database), TUFF_OK);
    assert_int_equal(failures, 0);
}

/* ---- The reference page --------------------------------------------------------------------- */

static void append_escaped(base_buffer *page, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            base_buffer_append_byte(page, '\\');
        base_buffer_append_byte(page, *text);
    }
}

static const char *kind_name(uint8_t kind, char name[TYPES_NAME_SIZE])
{
    if (kind >= TYPES_KIND_COUNT)
        return "any";
    if (kind == TYPES_DECIMAL)
        return "DECIMAL";
    return types_name((types_type){.kind = kind}, name);
}

/* "name(TEXT, INTEGER [, TEXT])", or "TEXT || TEXT" for operators. */
static void append_signature(base_buffer *page, const func_scalar *row)
{
    char name[TYPES_NAME_SIZE];
    bool is_operator = !((row->name[0] >= 'a' && row->name[0] <= 'z') || row->name[0] == '_');
    if (row->resolve != func_resolve_fixed) {
        if (is_operator)
            append_escaped(page, row->minimum_arguments == 1 ? "" : "number ");
        append_escaped(page, row->name);
        append_escaped(page, is_operator                   ? " number"
                             : row->maximum_arguments > 1  ? "(DECIMAL, ...)"
                             : row->minimum_arguments == 0 ? "()"
                                                           : "(DECIMAL)");
        return;
    }
    if (is_operator && row->minimum_arguments == 2) {
        append_escaped(page, kind_name(row->argument_kinds[0], name));
        base_buffer_append_byte(page, ' ');
        append_escaped(page, row->name);
        base_buffer_append_byte(page, ' ');
        append_escaped(page, kind_name(row->argument_kinds[1], name));
        return;
    }
    append_escaped(page, row->name);
    base_buffer_append_byte(page, '(');
    uint32_t shown = BASE_MIN(row->maximum_arguments, (uint32_t)BASE_COUNT_OF(row->argument_kinds));
    for (uint32_t i = 0; i < shown; i++) {
        if (i >= row->minimum_arguments && row->argument_kinds[i] == 0)
            break;
        if (i > 0 && i < row->minimum_arguments && row->argument_kinds[i] == 0)
            break;
        bool optional = i >= row->minimum_arguments;
        base_buffer_append_text(page, optional && i > 0 ? " [, " : optional ? "[" : i ? ", " : "");
        append_escaped(page, kind_name(row->argument_kinds[i], name));
        if (optional)
            base_buffer_append_byte(page, ']');
    }
    if (row->flags & FUNC_VARIADIC)
        base_buffer_append_text(page, ", ...");
    base_buffer_append_byte(page, ')');
}

static void append_row(base_buffer *page, const char *documentation, const char *example,
                       const char *result)
{
    base_buffer_append_text(page, " | ");
    append_escaped(page, documentation);
    base_buffer_append_text(page, " | ");
    if (example) {
        base_buffer_append_byte(page, '`');
        append_escaped(page, example);
        base_buffer_append_byte(page, '`');
    }
    base_buffer_append_text(page, " | ");
    append_escaped(page, result ? result : "");
    base_buffer_append_text(page, " |\n");
}

static void append_heading(base_buffer *page, const char *title)
{
    base_buffer_append_format(page, "\n## %c%s\n\n", base_ascii_upper(title[0]), title + 1);
    base_buffer_append_text(page, "| function | meaning | example | gives |\n|---|---|---|---|\n");
}

static void append_scalars(base_buffer *page)
{
    const func_scalar *first, *row;
    for (uint32_t i = 0; (first = func_scalar_at(i)); i++) {
        bool done = false; /* a category begins with its first row */
        for (uint32_t before = 0; before < i && !done; before++)
            done = strcmp(func_scalar_at(before)->category, first->category) == 0;
        if (done)
            continue;
        append_heading(page, first->category);
        for (uint32_t j = i; (row = func_scalar_at(j)); j++) {
            if (strcmp(row->category, first->category) != 0 || !row->example)
                continue;
            base_buffer_append_text(page, "| ");
            append_signature(page, row);
            append_row(page, row->documentation, row->example, row->example_result);
        }
    }
}

static void append_page(base_buffer *page)
{
    base_buffer_append_text(page, "# Functions\n\nMade from the rows in `src/func/` by "
                                  "`tests/unit/func/test_examples.c`; every example is run by it.\n"
                                  "COALESCE, NULLIF, IFNULL, IIF, CASE, CAST, IN, BETWEEN and "
                                  "comparisons are part of the grammar.\n");
    append_scalars(page);
    append_heading(page, "aggregate");
    const func_aggregate *aggregate;
    for (uint32_t i = 0; (aggregate = func_aggregate_at(i)); i++) {
        if (!aggregate->documentation)
            continue;
        base_buffer_append_format(page, "| %s", aggregate->name);
        append_row(page, aggregate->documentation, aggregate->example, aggregate->example_result);
    }
    append_heading(page, "window");
    const func_window *window;
    for (uint32_t i = 0; (window = func_window_at(i)); i++) {
        base_buffer_append_format(page, "| %s", window->name);
        append_row(page, window->documentation ? window->documentation : "", window->example,
                   window->example_result);
    }
}

static void reference_page_is_current(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_buffer page;
    base_buffer_init(&page, &budget);
    append_page(&page);
    unit_reference_check("FUNCTIONS.md", &page);
    base_buffer_destroy(&page);
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_give_their_results),
        cmocka_unit_test(reference_page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
