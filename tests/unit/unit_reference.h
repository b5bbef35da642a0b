/*
 * unit_reference.h - reference pages of docs/ that are made from the code's own data.
 *
 * The test builds the page and compares it with the file in the source tree (TUFF_SOURCE);
 * run with TUFF_WRITE=1 it writes the file. So the page cannot lag.
 */
#ifndef TESTS_UNIT_REFERENCE_H
#define TESTS_UNIT_REFERENCE_H

#include "unit/unit.h"

static inline void unit_reference_check(const char *name, base_buffer *page)
{
    const char *source = getenv("TUFF_SOURCE");
    if (!source)
        skip();
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/docs/%s", source, name);
    assert_false(page->failed);
    if (getenv("TUFF_WRITE")) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(page->data, 1, page->length, out), page->length);
        assert_int_equal(fclose(out), 0);
    }
    FILE *in = fopen(path, "rb");
    if (!in)
        fail_msg("%s is missing: run this test with TUFF_WRITE=1", path);
    char *found = malloc(page->length + 1);
    assert_non_null(found);
    size_t length = fread(found, 1, page->length + 1, in);
    (void)fclose(in);
    bool same = length == page->length && memcmp(found, page->data, length) == 0;
    free(found);
    if (!same)
        fail_msg("docs/%s is not current: run this test with TUFF_WRITE=1", name);
}

#endif
