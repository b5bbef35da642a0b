/*
 * test_reference.c - docs/ERRORS.md and docs/SETTINGS.md are what the code's own lists say.
 */
#include "unit/unit_reference.h"
#include "session/session_setting_int.h"

static void errors_page_is_current(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_buffer page;
    base_buffer_init(&page, &budget);
    base_buffer_append_text(&page, "# Errors\n\n"
                                   "Made from the list in `src/base/status.h`. The number is "
                                   "`tuff_status`, the name is its constant with\n"
                                   "`TUFF_` in front. Every error also has a message, and where "
                                   "they help a detail, a hint and the place in the\n"
                                   "statement (`tuff_conn_error`).\n\n"
                                   "| number | name | SQLSTATE | meaning |\n|---:|---|---|---|\n");
#define ROW(name, number, sqlstate, meaning)                                                       \
    if (BASE_##name >= BASE_OUT_OF_MEMORY)                                                         \
        base_buffer_append_format(&page, "| %d | `%s` | %s | %s |\n", number, #name, sqlstate,     \
                                  meaning);
    BASE_STATUS_LIST(ROW)
#undef ROW
    unit_reference_check("ERRORS.md", &page);
    base_buffer_destroy(&page);
    unit_budget_check(&budget);
}

static void settings_page_is_current(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_buffer page;
    base_buffer_init(&page, &budget);
    base_buffer_append_text(
        &page, "# Settings\n\n"
               "Made from the rows in `src/session/session_setting.c`. `SET name = value`, `PRAGMA "
               "name = value`,\n"
               "`SHOW name`, `PRAGMA name`; `SELECT * FROM tuff_settings` shows them with their "
               "values.\n\n"
               "| setting | also called | meaning | can be set |\n|---|---|---|---|\n");
    const session_setting *setting;
    for (uint32_t i = 0; (setting = session_setting_at(i)); i++)
        base_buffer_append_format(&page, "| `%s` | %s%s%s | %s | %s |\n", setting->name,
                                  setting->alias ? "`" : "", setting->alias ? setting->alias : "",
                                  setting->alias ? "`" : "", setting->description,
                                  setting->set ? "yes" : "no");
    unit_reference_check("SETTINGS.md", &page);
    base_buffer_destroy(&page);
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_page_is_current),
        cmocka_unit_test(settings_page_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
