/*
 * text.c - comparison of counted text, the growing buffer (contract: text.h).
 */
#include "base/base.h"

bool base_text_equal(base_text a, base_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool base_text_equal_folded(base_text a, base_text b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        if (base_ascii_lower(a.data[i]) != base_ascii_lower(b.data[i]))
            return false;
    }
    return true;
}

int base_text_compare(base_text a, base_text b)
{
    size_t common = BASE_MIN(a.length, b.length);
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return a.length < b.length ? -1 : a.length > b.length;
}

uint32_t base_text_distance(base_text a, base_text b, uint32_t limit)
{
    enum {
        LONGEST = 64
    };
    uint8_t rows[3][LONGEST + 1];
    uint8_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t difference = a.length > b.length ? a.length - b.length : b.length - a.length;
    if (a.length > LONGEST || b.length > LONGEST || difference > limit)
        return limit + 1;
    for (size_t j = 0; j <= b.length; j++)
        above[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.length; i++) {
        char left = base_ascii_lower(a.data[i - 1]);
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.length; j++) {
            char right = base_ascii_lower(b.data[j - 1]);
            uint32_t cost = above[j - 1] + (left != right);
            cost = BASE_MIN(cost, above[j] + 1u);
            cost = BASE_MIN(cost, row[j - 1] + 1u);
            bool swapped = i > 1 && j > 1 && left == base_ascii_lower(b.data[j - 2]) &&
                           base_ascii_lower(a.data[i - 2]) == right;
            if (swapped)
                cost = BASE_MIN(cost, before[j - 2] + 1u);
            row[j] = (uint8_t)cost;
        }
        uint8_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    /* As many edits as letters make any name of any other. */
    if (above[b.length] >= BASE_MIN(a.length, b.length) && above[b.length])
        return limit + 1;
    return BASE_MIN((uint32_t)above[b.length], limit + 1);
}

void base_buffer_init(base_buffer *buffer, base_budget *budget)
{
    *buffer = (base_buffer){.budget = budget};
}

void base_buffer_destroy(base_buffer *buffer)
{
    base_free(buffer->budget, buffer->data, buffer->capacity);
    *buffer = (base_buffer){.budget = buffer->budget};
}

void base_buffer_clear(base_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

bool base_buffer_reserve(base_buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->length > more)
        return true;
    size_t capacity = BASE_MAX(buffer->capacity + buffer->capacity / 2, buffer->length + more + 1);
    capacity = BASE_MAX(capacity, (size_t)64);
    char *data = capacity <= more
                     ? NULL
                     : base_reallocate(buffer->budget, buffer->data, buffer->capacity, capacity);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void base_buffer_append(base_buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->failed || !base_buffer_reserve(buffer, length))
        return;
    if (length)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void base_buffer_append_text(base_buffer *buffer, const char *terminated)
{
    base_buffer_append(buffer, terminated, strlen(terminated));
}

void base_buffer_append_byte(base_buffer *buffer, char byte)
{
    base_buffer_append(buffer, &byte, 1);
}

void base_buffer_append_format(base_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) { /* more bytes than an int counts */
        buffer->failed = true;
    } else if (!buffer->failed && base_buffer_reserve(buffer, (size_t)length)) {
        (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}
